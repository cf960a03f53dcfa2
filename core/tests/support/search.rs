//! Looks for secrets in everything that a program lets out: in plain, and in every form that software gives them.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use base64::{Engine, engine::general_purpose};

/// What was let out, by the name of the place.
#[derive(Default)]
pub(crate) struct LetOut(BTreeMap<String, String>);

impl LetOut {
    pub(crate) fn add(&mut self, place: &str, text: &str) {
        let before = self.0.entry(place.to_owned()).or_default();
        before.push('\n');
        before.push_str(text);
    }

    /// All files of a folder, but for the key file, as they are on the disk now. Bytes that are no text become
    /// marks; whatever is text in between stays as it is.
    pub(crate) fn add_folder(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_file() && path.extension().is_none_or(|extension| extension != "key") {
                let bytes = std::fs::read(&path).unwrap();
                self.add(&format!("file {name}"), &String::from_utf8_lossy(&bytes));
            }
        }
    }

    pub(crate) fn place(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn places(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Where a form of the secret stands, with some text around it.
    pub(crate) fn find(&self, secret: &str) -> Option<String> {
        for form in forms(secret) {
            for (place, text) in &self.0 {
                if let Some(at) = text.find(&form) {
                    let from = (0..=at.saturating_sub(60)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                    let around: String = text[from..].chars().take(200).collect();
                    return Some(format!("{place}: …{around}…"));
                }
            }
        }
        None
    }
}

/// The secret as it is, and as forms, URLs, JSON, base64 (at any place of a longer text), hexadecimal digits and
/// lists of numbers show it.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut forms = vec![
        secret.to_owned(),
        url::form_urlencoded::byte_serialize(bytes).collect(),
        bytes
            .iter()
            .map(
                |byte| {
                    if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { format!("%{byte:02X}") }
                },
            )
            .collect(),
        bytes
            .iter()
            .map(
                |byte| {
                    if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { format!("%{byte:02x}") }
                },
            )
            .collect(),
        serde_json::to_string(secret).unwrap().trim_matches('"').to_owned(),
        format!("{secret:?}").trim_matches('"').to_owned(),
        bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
        bytes.iter().take(12).map(u8::to_string).collect::<Vec<_>>().join(", "),
    ];
    for engine in [general_purpose::STANDARD_NO_PAD, general_purpose::URL_SAFE_NO_PAD] {
        for before in 0..3 {
            let text = engine.encode([&vec![b'x'; before], bytes].concat());
            // The first and the last digits depend on what stands around.
            forms.push(text[4.min(text.len())..text.len().saturating_sub(3)].to_owned());
        }
    }
    forms.retain(|form| form.len() >= 10);
    forms.sort();
    forms.dedup();
    forms
}
