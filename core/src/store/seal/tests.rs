// Tests may stop at the first thing that is not as expected.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use super::{Binding, Key, Sealed, open, seal};
use crate::{
    error::ErrorKind,
    secret::Secret,
    store::contract::samples::{customer, origin},
};

#[test]
fn what_is_sealed_opens_for_the_same_row_only() {
    let key = Key::generate();
    let (a, b) = (customer("a"), customer("b"));
    let (one, two) = (origin("one"), origin("two"));
    let bindings = [
        Binding::account(&a),
        Binding::account(&b),
        Binding::connection(&a, &one),
        Binding::connection(&a, &two),
        Binding::connection(&b, &one),
        Binding::revocation(&a, "1"),
        Binding::revocation(&a, "2"),
        Binding::revocation(&b, "1"),
        Binding::revocation(&a, "a"),
    ];
    for sealed_for in &bindings {
        let sealed = seal(&key, b"hunter2", sealed_for).unwrap();
        for opened_for in &bindings {
            let outcome = open(&key, &sealed, opened_for);
            if sealed_for == opened_for {
                assert_eq!(outcome.unwrap().as_slice(), b"hunter2");
            } else {
                let error = outcome.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Sealed);
                assert!(error.message().contains("moved or altered"), "{error}");
            }
        }
    }
}

#[test]
fn no_two_rows_have_the_same_associated_data() {
    let parts = ["", "a", "aa", "a\0", "\0a", "account", "a\0\0\0\0\0\0\0\u{1}a"];
    let mut seen = BTreeSet::new();
    for tenant in parts {
        for record in parts {
            assert!(seen.insert(Binding::revocation(&customer(tenant), record).encode()), "{tenant:?} {record:?}");
        }
    }
}

#[test]
fn every_altered_bit_is_noticed() {
    let key = Key::generate();
    let a = customer("a");
    let binding = Binding::account(&a);
    let sealed = seal(&key, b"x", &binding).unwrap();
    for place in 0..sealed.bytes().len() * 8 {
        let mut bytes = sealed.bytes().to_vec();
        bytes[place / 8] ^= 1 << (place % 8);
        let altered = Sealed::from_parts(sealed.key_id().to_owned(), bytes);
        assert!(open(&key, &altered, &binding).is_err(), "bit {place}");
    }
    for length in 0..sealed.bytes().len() {
        let cut = Sealed::from_parts(sealed.key_id().to_owned(), sealed.bytes()[..length].to_vec());
        assert_eq!(open(&key, &cut, &binding).unwrap_err().kind(), ErrorKind::Sealed, "cut to {length}");
    }
}

#[test]
fn sealing_twice_gives_different_bytes() {
    let key = Key::generate();
    let a = customer("a");
    let nonces: BTreeSet<Vec<u8>> =
        (0..1000).map(|_| seal(&key, b"same", &Binding::account(&a)).unwrap().bytes()[..24].to_vec()).collect();
    assert_eq!(nonces.len(), 1000);
}

/// The format is fixed: what one release sealed, every later one opens.
#[test]
fn a_secret_sealed_by_the_first_release_still_opens() {
    let key = Key::parse(&Secret::from("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")).unwrap();
    assert_eq!(key.id(), FIRST_KEY_ID);
    let bytes: Vec<u8> = (0..FIRST_SEALED.len() / 2)
        .map(|at| u8::from_str_radix(&FIRST_SEALED[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let sealed = Sealed::from_parts(key.id().to_owned(), bytes);
    let plain = open(&key, &sealed, &Binding::connection(&customer("a1b2c3d4e5f6"), &origin("dev1"))).unwrap();
    assert_eq!(plain.as_slice(), b"the first release");
}

const FIRST_KEY_ID: &str = "21dc9ed06e89c90a";
const FIRST_SEALED: &str = "c394aa03fa899f3d89d834b49879e480f92de0459a21e0643d2ad49749858804\
    05e52e365669756fe22fe03d5a9b3c93724c83d754b9b340ad";

#[test]
fn keys_are_read_in_every_usual_form() {
    let forms = [
        "fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0",
        "FBF0FBF0FBF0FBF0FBF0FBF0FBF0FBF0FBF0FBF0FBF0FBF0FBF0FBF0FBF0FBF0",
        "+/D78Pvw+/D78Pvw+/D78Pvw+/D78Pvw+/D78Pvw+/A=",
        "+/D78Pvw+/D78Pvw+/D78Pvw+/D78Pvw+/D78Pvw+/A",
        "-_D78Pvw-_D78Pvw-_D78Pvw-_D78Pvw-_D78Pvw-_A=",
        "-_D78Pvw-_D78Pvw-_D78Pvw-_D78Pvw-_D78Pvw-_A",
        " +/D78Pvw+/D78Pvw+/D78Pvw+/D78Pvw+/D78Pvw+/A=\n",
    ];
    let ids: BTreeSet<String> = forms.map(|form| Key::parse(&Secret::from(form)).unwrap().id().to_owned()).into();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let text = Key::parse(&Secret::from(forms[0])).unwrap().text();
    assert_eq!(text.expose(), forms[2], "and written in one");
}

#[test]
fn what_is_not_a_key_is_refused_with_the_way_to_make_one() {
    for text in [
        "",
        "secret",
        "00",
        "fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf",
        "gbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0",
        "+/D78Pvw+/D78Pvw+/D78Pvw+/D78Pvw+/D78Pvw+w==",
        "+/D78Pvw+/D78Pvw+/D78Pvw+/D78Pvw+/D78Pvw+/D7",
        "+/D78Pvw+/D78Pvw+/D78Pvw+_D78Pvw+/D78Pvw+/A=",
        "ääääääääääääääääääääääääääääääää",
    ] {
        let error = Key::parse(&Secret::from(text)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
        assert!(error.info().remedy.contains("openssl rand"), "{error}");
        assert!(text.is_empty() || !format!("{error} {error:?}").contains(text), "the error holds the key: {error}");
    }
}

#[test]
fn nothing_prints_a_key_or_a_secret() {
    let text = "fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0fbf0";
    let key = Key::parse(&Secret::from(text)).unwrap();
    let a = customer("a");
    let sealed = seal(&key, b"hunter2", &Binding::account(&a)).unwrap();
    assert_eq!(format!("{key:?}"), format!("Key({})", key.id()));
    assert_eq!(format!("{sealed:?}"), format!("Sealed({}, 47 bytes)", key.id()));
    assert!(!text.contains(key.id()), "the name of a key is no part of it");
}
