//! Variables and generated values in the data of a scenario.

use serde_json::{Map, Value, json};

use crate::Failure;

/// The value at a path of names and positions; none when there is nothing of that name.
pub(crate) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('/').filter(|name| !name.is_empty()).try_fold(value, |value, name| match value {
        Value::Array(list) => list.get(name.parse::<usize>().ok()?),
        _ => value.get(name),
    })
}

/// The same data with every variable replaced, and `$json` and `$repeat` carried out.
pub(crate) fn resolved(data: &Value, variables: &Value) -> Result<Value, Failure> {
    match data {
        Value::String(text) => texts(text, variables),
        Value::Array(list) => list.iter().map(|one| resolved(one, variables)).collect(),
        Value::Object(fields) => {
            let fields: Map<String, Value> = fields
                .iter()
                .map(|(key, value)| Ok((key.clone(), resolved(value, variables)?)))
                .collect::<Result<_, Failure>>()?;
            match (fields.get("$json"), fields.get("$repeat")) {
                (Some(value), None) => Ok(json!(value.to_string())),
                (None, Some(repeat)) => {
                    let (text, times) = (repeat[0].as_str(), repeat[1].as_u64().and_then(|n| usize::try_from(n).ok()));
                    let (text, times) =
                        text.zip(times).ok_or_else(|| format!("$repeat needs a text and a number, not {repeat}"))?;
                    Ok(json!(text.repeat(times)))
                }
                _ => Ok(Value::Object(fields)),
            }
        }
        other => Ok(other.clone()),
    }
}

fn texts(text: &str, variables: &Value) -> Result<Value, Failure> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (path, after) = after.split_once('}').ok_or_else(|| format!("{text} has no end of its variable"))?;
        let value = at(variables, path).ok_or_else(|| format!("there is no variable {path}"))?;
        if before.is_empty() && after.is_empty() && out.is_empty() {
            return Ok(value.clone());
        }
        out += before;
        out += &value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        rest = after;
    }
    Ok(json!(out + rest))
}

/// One object laid over another, key by key.
pub(crate) fn over(below: &Value, above: &Value) -> Value {
    let mut both = below.as_object().cloned().unwrap_or_default();
    both.extend(above.as_object().cloned().unwrap_or_default());
    Value::Object(both)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_keep_their_type_when_alone() {
        let variables = json!({"n": 7, "users": {"svc.a": [{"p": "x"}]}});
        for (data, value) in [
            (json!("${n}"), json!(7)),
            (json!("a${n}b${users/svc.a/0/p}"), json!("a7bx")),
            (json!(["${users/svc.a/0/p}"]), json!(["x"])),
            (json!({"$json": {"a": "${n}"}}), json!("{\"a\":7}")),
            (json!({"$repeat": ["ab", 2]}), json!("abab")),
        ] {
            assert_eq!(resolved(&data, &variables), Ok(value), "{data}");
        }
        assert!(resolved(&json!("${nobody}"), &variables).is_err());
    }
}
