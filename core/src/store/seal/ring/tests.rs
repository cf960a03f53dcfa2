// Tests may stop at the first thing that is not as expected.
#![allow(clippy::unwrap_used)]

use std::fs;

use super::{Key, KeyRing};
use crate::{
    error::ErrorKind,
    id::CustomerId,
    secret::Secret,
    store::{Binding, contract::samples::customer, sqlite::tests::Folder},
};

fn a() -> CustomerId {
    customer("a")
}

fn keys(ring: &KeyRing) -> Vec<String> {
    ring.with(|state| state.keys.iter().map(|key| key.id().to_owned()).collect())
}

#[test]
fn the_first_key_seals_and_all_of_them_open() {
    let (old, new) = (Key::generate().text(), Key::generate().text());
    let a = a();
    let before = KeyRing::given(std::slice::from_ref(&old)).unwrap();
    let sealed = before.seal(b"x", Binding::account(&a)).unwrap();
    let after = KeyRing::given(&[new, old]).unwrap();
    assert_ne!(after.current_key_id(), before.current_key_id());
    assert_eq!(after.open(&sealed, Binding::account(&a)).unwrap().as_slice(), b"x");
    let sealed = after.seal(b"x", Binding::account(&a)).unwrap();
    assert_eq!(sealed.key_id(), after.current_key_id());
    let error = before.open(&sealed, Binding::account(&a)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sealed);
    assert_eq!(error.context("key_id"), Some(sealed.key_id()), "the missing key is named");
    assert!(error.message().contains(sealed.key_id()));
}

#[test]
fn a_list_of_keys_is_separated_by_commas() {
    let (one, two) = (Key::generate().text(), Key::generate().text());
    let text = format!(" {} ,\n{}, ", one.expose(), two.expose());
    let ring = KeyRing::from_list(&Secret::from(text)).unwrap().unwrap();
    assert_eq!(keys(&ring), keys(&KeyRing::given(&[one, two]).unwrap()));
    for empty in ["", " ", ",", " , "] {
        assert!(KeyRing::from_list(&Secret::from(empty)).unwrap().is_none());
    }
    let error = KeyRing::from_list(&Secret::from("not-a-key")).unwrap_err();
    assert_eq!((error.kind(), error.context("variable")), (ErrorKind::InvalidInput, Some("ITSM_ADAPTER_KEY")));
    assert_eq!(KeyRing::given(&[]).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_ring_shows_no_key() {
    let text = Key::generate().text();
    let ring = KeyRing::given(std::slice::from_ref(&text)).unwrap();
    let shown = format!("{ring:?} {ring:#?}");
    assert!(shown.contains(&ring.current_key_id()) && !shown.contains(text.expose()), "{shown}");
}

#[test]
fn a_key_file_is_made_once_and_read_afterwards() {
    let folder = Folder::new();
    let database = folder.path("a.db");
    let (first, warning) = KeyRing::beside(&database).unwrap();
    assert!(warning.unwrap().contains("a.db.key"), "making a key is worth a warning");
    let (second, warning) = KeyRing::beside(&database).unwrap();
    assert_eq!(warning, None);
    assert_eq!(first.current_key_id(), second.current_key_id());
    assert_eq!(fs::read_dir(folder.path("")).unwrap().count(), 1, "no draft is left behind");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(folder.path("a.db.key")).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn many_who_make_a_key_file_at_once_end_with_one_key() {
    for _ in 0..20 {
        let folder = Folder::new();
        let database = &folder.path("a.db");
        let rings: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(move || KeyRing::beside(database).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(rings.iter().all(|(ring, _)| keys(ring) == keys(&rings[0].0)));
        assert_eq!(rings.iter().filter(|(_, warning)| warning.is_some()).count(), 1, "one of them made it");
    }
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let database = folder.path("a.db");
    KeyRing::beside(&database).unwrap();
    for mode in [0o644, 0o640, 0o604, 0o660, 0o601] {
        fs::set_permissions(folder.path("a.db.key"), fs::Permissions::from_mode(mode)).unwrap();
        let error = KeyRing::beside(&database).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Sealed, "{mode:o}");
        assert!(error.info().remedy.contains("chmod 600"));
    }
    fs::set_permissions(folder.path("a.db.key"), fs::Permissions::from_mode(0o400)).unwrap();
    KeyRing::beside(&database).unwrap();
}

#[test]
fn a_key_file_without_a_key_is_refused_and_not_replaced() {
    let folder = Folder::new();
    let database = folder.path("a.db");
    KeyRing::beside(&database).unwrap();
    for content in ["", "\n\n", "# only a comment\n", "not a key\n", "\u{0}\u{1}"] {
        fs::write(folder.path("a.db.key"), content).unwrap();
        let error = KeyRing::beside(&database).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Sealed, "{content:?}");
        assert_eq!(fs::read_to_string(folder.path("a.db.key")).unwrap(), content);
    }
}

#[test]
fn a_key_that_another_process_made_current_is_used_at_once() {
    let folder = Folder::new();
    let database = folder.path("a.db");
    let a = a();
    let (here, _) = KeyRing::beside(&database).unwrap();
    let (there, _) = KeyRing::beside(&database).unwrap();
    let old = here.current_key_id();
    assert_eq!(there.advance(None).unwrap(), Vec::<String>::new(), "no key was out of use before");
    let sealed = there.seal(b"x", Binding::account(&a)).unwrap();
    assert_eq!(here.open(&sealed, Binding::account(&a)).unwrap().as_slice(), b"x", "an unknown key is looked up");
    assert_eq!(there.advance(None).unwrap(), std::slice::from_ref(&old));
    let sealed = here.seal(b"x", Binding::account(&a)).unwrap();
    assert_eq!(sealed.key_id(), there.current_key_id(), "nothing is sealed with an old key");
    assert_eq!(there.forget(&[old.clone(), there.current_key_id()]).unwrap(), 1, "the current key stays");
    assert!(!keys(&there).contains(&old));
}

#[test]
fn nothing_is_sealed_when_the_key_file_is_gone() {
    let folder = Folder::new();
    let a = a();
    let (ring, _) = KeyRing::beside(&folder.path("a.db")).unwrap();
    let sealed = ring.seal(b"x", Binding::account(&a)).unwrap();
    fs::remove_file(folder.path("a.db.key")).unwrap();
    let error = ring.seal(b"x", Binding::account(&a)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sealed);
    assert!(error.message().contains("disappeared"));
    ring.open(&sealed, Binding::account(&a)).unwrap();
}

#[test]
fn rotating_in_many_places_at_once_loses_no_key() {
    let folder = Folder::new();
    let database = &folder.path("a.db");
    KeyRing::beside(database).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(move || KeyRing::beside(database).unwrap().0.advance(None).unwrap());
        }
    });
    assert_eq!(keys(&KeyRing::beside(database).unwrap().0).len(), 9);
}

#[test]
fn given_keys_change_only_by_a_given_key() {
    let (one, two) = (Key::generate().text(), Key::generate().text());
    let ring = KeyRing::given(&[one.clone(), two.clone()]).unwrap();
    let [first, second] = [0, 1].map(|place| keys(&ring)[place].clone());
    ring.advance(None).unwrap();
    assert_eq!(keys(&ring), [first.clone(), second.clone()]);
    ring.advance(Some(&two)).unwrap();
    assert_eq!(keys(&ring), [second.clone(), first.clone()], "a known key moves to the front");
    ring.advance(Some(&Key::generate().text())).unwrap();
    assert_eq!(keys(&ring)[1..], [second, first.clone()]);
    assert_eq!(ring.forget(&[first]).unwrap(), 0);
    assert_eq!(ring.advance(Some(&Secret::from("x"))).unwrap_err().kind(), ErrorKind::InvalidInput);
}
