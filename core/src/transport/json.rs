//! JSON from a remote: bounded in depth (T13), and named by its shape when it makes no sense (T6).

use serde::de::DeserializeOwned;

use super::{Response, headers::transaction_id};
use crate::{
    config::MAX_JSON_DEPTH,
    error::{Error, ErrorKind, Result},
};

/// Longest sample of a shape in an error.
const SAMPLE: usize = 120;
/// Longest name of a field in a sample; tokens are longer.
const NAME: usize = 32;

/// Bytes that are looked at together: fewer, and the compiler makes no vectors of them.
const BLOCK: usize = 64;
/// Up to this length brackets are only counted, as long as there are few.
const SHORT: usize = 4096;

/// False when arrays and objects are nested deeper than [`MAX_JSON_DEPTH`].
pub(crate) fn json_depth_ok(json: &[u8]) -> bool {
    // Fewer brackets than levels cannot be nested too deeply, wherever they stand.
    if json.len() <= SHORT && json.iter().filter(|&&byte| byte | 0x20 == b'{').count() <= MAX_JSON_DEPTH {
        return true;
    }
    let mut scan = Scan { depth: 0, in_text: false, escaped: false };
    let (blocks, rest) = json.as_chunks::<BLOCK>();
    blocks.iter().all(|block| scan.block(block)) && scan.bytes(rest)
}

/// Where in a JSON text the search for its deepest place has come to.
struct Scan {
    depth: usize,
    in_text: bool,
    escaped: bool,
}

impl Scan {
    /// A block without brackets and backslashes, as most of a page of records is, only opens and closes texts:
    /// one look at all its bytes together, which the processor does at memory speed.
    fn block(&mut self, block: &[u8; BLOCK]) -> bool {
        // Two plain loops over numbers, which become vector instructions.
        let (mut special, mut quotes) = (0_u8, 0_u8);
        for &byte in block {
            // `[ \ ]` and `{ | }` stand side by side, and apart by one bit.
            special |= u8::from((byte | 0x20).wrapping_sub(b'{') < 3);
        }
        for &byte in block {
            quotes ^= u8::from(byte == b'"');
        }
        if special != 0 || self.escaped {
            return self.bytes(block);
        }
        self.in_text ^= quotes == 1;
        true
    }

    fn bytes(&mut self, bytes: &[u8]) -> bool {
        for &byte in bytes {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = self.in_text,
                b'"' => self.in_text = !self.in_text,
                b'[' | b'{' if !self.in_text => {
                    self.depth += 1;
                    if self.depth > MAX_JSON_DEPTH {
                        return false;
                    }
                }
                b']' | b'}' if !self.in_text => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        true
    }
}

/// Reads a body as JSON.
///
/// # Errors
/// `protocol` with the status and the shape of what came, never with its values.
pub(crate) fn parse_json<T: DeserializeOwned>(response: &Response) -> Result<T, Error> {
    let refuse = |why: &str| {
        Error::new(ErrorKind::Protocol, format!("The answer could not be read: {why}."))
            .with("status", response.status.as_u16())
            .with("shape", shape(&response.body))
            .transaction(transaction_id(&response.headers))
    };
    if !json_depth_ok(&response.body) {
        return Err(refuse("it is nested too deeply"));
    }
    // All of it at once, at memory speed; the parser need not look at each text again then.
    let text = std::str::from_utf8(&response.body).map_err(|_| refuse("it is not UTF-8"))?;
    // The parser's own message can hold a value, so only the place is repeated.
    serde_json::from_str(text).map_err(|error| {
        refuse(&format!(
            "{} at line {}, column {}",
            match error.classify() {
                serde_json::error::Category::Io | serde_json::error::Category::Syntax => "it is not JSON",
                serde_json::error::Category::Data => "a field is missing or of another type",
                serde_json::error::Category::Eof => "it ends too early",
            },
            error.line(),
            error.column()
        ))
    })
}

/// The structure of something that may be JSON: brackets and names, `"` for text, `0` for a number, `b` for a
/// truth value, `n` for null, `?` for anything else.
fn shape(body: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = body.trim_ascii_start();
    while let Some((&first, after)) = rest.split_first() {
        if out.len() >= SAMPLE {
            out.truncate(SAMPLE - 3);
            out.push_str("...");
            break;
        }
        let taken = match first {
            b'{' | b'}' | b'[' | b']' | b':' | b',' => {
                out.push(char::from(first));
                1
            }
            b'"' => {
                let inside = text_length(after);
                let end = (inside + 2).min(rest.len());
                let is_name = rest[end..].trim_ascii_start().starts_with(b":");
                out.push_str(name(&after[..inside]).filter(|_| is_name).unwrap_or("\""));
                end
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                let end = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || b"+-.".contains(b)));
                let word = &rest[..end.unwrap_or(rest.len())];
                push(
                    &mut out,
                    match word {
                        b"true" | b"false" => 'b',
                        b"null" => 'n',
                        _ if first == b'-' || first.is_ascii_digit() => '0',
                        _ => '?',
                    },
                );
                word.len()
            }
            _ => {
                push(&mut out, '?');
                1
            }
        };
        rest = rest[taken..].trim_ascii_start();
    }
    out
}

/// Adds the sign unless it is repeated: a page of words is one `?`.
fn push(out: &mut String, sign: char) {
    if !(sign == '?' && out.ends_with('?')) {
        out.push(sign);
    }
}

fn text_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += next;
        if text[at] == b'"' {
            return at;
        }
        at += 2;
    }
    text.len()
}

fn name(text: &[u8]) -> Option<&str> {
    let usual = |b: &u8| b.is_ascii_alphanumeric() || b"_-.@$".contains(b);
    let text = std::str::from_utf8(text).ok()?;
    (!text.is_empty() && text.len() <= NAME && text.bytes().all(|b| usual(&b))).then_some(text)
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderMap, StatusCode};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Row {
        #[serde(rename = "id")]
        _id: u32,
    }

    fn answer(body: impl Into<Vec<u8>>) -> Response {
        Response { status: StatusCode::OK, headers: HeaderMap::new(), body: body.into().into() }
    }

    #[test]
    fn depth_is_counted_outside_of_texts_only() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(json_depth_ok(&nested(MAX_JSON_DEPTH)));
        assert!(!json_depth_ok(&nested(MAX_JSON_DEPTH + 1)));
        assert!(json_depth_ok(format!("\"{}\\\"{}\"", "[".repeat(100), "{".repeat(100)).as_bytes()));
        assert!(json_depth_ok(&[nested(40), nested(40)].concat()));
        assert!(json_depth_ok(b"\"never closed [[["));
        assert!(json_depth_ok(b"\"\\"));
    }

    #[test]
    fn depth_is_counted_the_same_wherever_the_text_is_cut_into_blocks() {
        let nested = |depth: usize| format!("{}{}", "[{\"a\":".repeat(depth / 2), "}]".repeat(depth / 2));
        for before in 0..2 * BLOCK {
            for text in ["", "[[", "}}", "\\\"[", "\\\\", "\\\\\\\"", "|"] {
                // Brackets that close again, so that they are too many to be only counted.
                let many = "[],".repeat(MAX_JSON_DEPTH);
                let body = |depth| format!("[{many}\"{}{text}\",{}]", " ".repeat(before), nested(depth));
                assert!(json_depth_ok(body(MAX_JSON_DEPTH - 2).as_bytes()), "{before} {text}");
                assert!(!json_depth_ok(body(MAX_JSON_DEPTH).as_bytes()), "{before} {text}");
            }
        }
    }

    #[test]
    fn deep_json_is_refused_before_it_is_parsed() {
        let error = parse_json::<Row>(&answer("[".repeat(1_000_000))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.message().contains("nested"), "{error}");
    }

    #[test]
    fn what_makes_no_sense_is_shown_by_shape_and_never_by_value() {
        for (body, shape) in [
            (r#"{"id":"hunter2","list":[1,-2.5e3,true,null]}"#, "{id:\",list:[0,0,b,n]}"),
            (r#"{"hunter2&x=1":1}"#, "{\":0}"),
            (r#"{"id":"hunter2"#, "{id:\""),
            (r#"{"id":"a\"hunter2" , "x" : {}}"#, "{id:\",x:{}}"),
            ("<html>hunter2 is here</html>", "?"),
            ("hunter2", "?"),
            ("", ""),
            ("\u{fffd}\\\"", "?\""),
        ] {
            let error = parse_json::<Row>(&answer(body)).unwrap_err();
            assert_eq!(error.context("shape"), Some(shape), "{body}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn a_sample_of_a_shape_stays_short() {
        let body = format!("[{}]", "{\"abcdefgh\":1},".repeat(1000));
        let error = parse_json::<Row>(&answer(body)).unwrap_err();
        assert!(error.context("shape").is_some_and(|shape| shape.len() <= SAMPLE + NAME), "{error:?}");
    }
}
