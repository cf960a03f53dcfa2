//! Words of a remote, fit to be shown to a person.

/// Longest word that is repeated. Tokens are longer, and remotes do echo them (T6).
const WORD: usize = 48;

/// One line of at most `most` characters and a mark of omission: no control characters, none that turn the
/// direction of the text around (T14), and no overlong words.
pub(crate) fn clean(text: &str, most: usize) -> String {
    let words: Vec<String> = text
        .split(|c: char| c.is_control() || c.is_whitespace())
        .map(|word| word.chars().filter(|c| !turns_direction(*c)).collect::<String>())
        .filter(|word| !word.is_empty())
        .map(|word| if word.chars().count() > WORD { "…".to_owned() } else { word })
        .collect();
    let line = words.join(" ");
    let mut shown: String = line.chars().take(most).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    shown
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_one_short_line_without_tricks_and_tokens() {
        let token = "e".repeat(49);
        for (text, shown) in [
            ("plain words", "plain words"),
            (" a\r\n\0b\t c ", "a b c"),
            ("\u{202e}txt.exe", "txt.exe"),
            (token.as_str(), "…"),
            ("twelve chars and more", "twelve chars…"),
            ("äöü äöü äöü äöü", "äöü äöü äöü …"),
            ("", ""),
        ] {
            assert_eq!(clean(text, 12), shown, "{text:?}");
        }
    }
}
