//! Whether a value is as a scenario expects it.

use serde_json::Value;

use crate::Failure;

/// Matches or says where and why not.
pub(crate) fn matches(pattern: &Value, value: &Value) -> Result<(), Failure> {
    let differs = || Err(format!("expected {pattern}, found {}", shortened(value)));
    match pattern {
        Value::Object(fields) if fields.keys().any(|key| key.starts_with('$')) => {
            fields.iter().try_for_each(|(matcher, operand)| meets(matcher, operand, value))
        }
        Value::Object(fields) if value.is_object() => fields
            .iter()
            .try_for_each(|(key, wanted)| matches(wanted, &value[key]).map_err(|why| format!("{key}: {why}"))),
        Value::Array(wanted) => match value.as_array() {
            Some(found) if found.len() == wanted.len() => wanted
                .iter()
                .zip(found)
                .enumerate()
                .try_for_each(|(at, (wanted, found))| matches(wanted, found).map_err(|why| format!("{at}: {why}"))),
            _ => differs(),
        },
        Value::Number(number) if number.as_f64() == value.as_f64() => Ok(()),
        _ if pattern == value => Ok(()),
        _ => differs(),
    }
}

fn meets(matcher: &str, operand: &Value, value: &Value) -> Result<(), Failure> {
    let length = || value.as_str().map(|text| text.chars().count()).or(value.as_array().map(Vec::len));
    let each = || operand.as_array().map_or(std::slice::from_ref(operand), Vec::as_slice).iter();
    let met = match matcher {
        "$present" => !value.is_null(),
        "$contains" => each().all(|one| holds(value, one)),
        "$lacks" => (value.is_string() || value.is_array()) && !each().any(|one| holds(value, one)),
        "$starts_with" => value.as_str().zip(operand.as_str()).is_some_and(|(text, start)| text.starts_with(start)),
        "$length" => length().is_some_and(|length| matches(operand, &length.into()).is_ok()),
        "$at_least" => value.as_f64().zip(operand.as_f64()).is_some_and(|(value, least)| value >= least),
        "$at_most" => value.as_f64().zip(operand.as_f64()).is_some_and(|(value, most)| value <= most),
        "$each" => value.as_array().is_some_and(|list| list.iter().all(|one| matches(operand, one).is_ok())),
        "$one_of" => each().any(|one| matches(one, value).is_ok()),
        _ => return Err(format!("there is no matcher {matcher}")),
    };
    if met { Ok(()) } else { Err(format!("expected {{{matcher}: {operand}}}, found {}", shortened(value))) }
}

/// A text with that text in it, or a list with an element that matches.
fn holds(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Array(list), _) => list.iter().any(|one| matches(wanted, one).is_ok()),
        _ => false,
    }
}

fn shortened(value: &Value) -> String {
    let text = value.to_string();
    text.char_indices().nth(2000).map_or(text.clone(), |(end, _)| format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_match_what_the_readme_says() {
        for (pattern, value, met) in [
            (json!(null), json!(null), true),
            (json!({"a": null}), json!({}), true),
            (json!({"a": null}), json!({"a": 1}), false),
            (json!({"a": 1}), json!({"a": 1.0, "b": 2}), true),
            (json!({"a": 1}), json!([]), false),
            (json!({}), json!("text"), false),
            (json!([1, 2]), json!([1, 2]), true),
            (json!([1]), json!([1, 2]), false),
            (json!({"$present": true}), json!(false), true),
            (json!({"$present": true}), json!(null), false),
            (json!({"$contains": ["b", "c"]}), json!("abc"), true),
            (json!({"$contains": "d"}), json!("abc"), false),
            (json!({"$contains": {"a": 1}}), json!([{"a": 2}, {"a": 1}]), true),
            (json!({"$lacks": {"a": 1}}), json!([{"a": 2}]), true),
            (json!({"$lacks": ["x", "b"]}), json!("abc"), false),
            (json!({"$lacks": "x"}), json!(null), false),
            (json!({"$starts_with": "ab"}), json!("abc"), true),
            (json!({"$length": {"$at_least": 2}}), json!("äö"), true),
            (json!({"$length": 2}), json!([1]), false),
            (json!({"$at_least": 1, "$at_most": 2}), json!(3), false),
            (json!({"$each": {"a": 1}}), json!([{"a": 1, "b": 1}, {"a": 1}]), true),
            (json!({"$one_of": ["a", null]}), json!(null), true),
            (json!({"$unheard_of": 1}), json!(1), false),
        ] {
            assert_eq!(matches(&pattern, &value).is_ok(), met, "{pattern} on {value}");
        }
    }
}
