//! YAML or JSON text → Kubernetes objects.

use serde_json::Value;

use crate::scenario::import::{ImportError, text};

/// All objects of a stream of documents; lists are opened, empty documents skipped.
pub(super) fn parse(text: &str, file: &str) -> Result<Vec<Value>, ImportError> {
    let documents = text::documents(text, file)?;
    let mut objects = Vec::new();
    for document in documents {
        open(document, &mut objects);
    }
    if objects.is_empty() {
        return Err(ImportError::new(format!("{file} holds no Kubernetes object"))
            .hint("expected documents with `kind:`, as kubectl takes and prints them"));
    }
    Ok(objects)
}

/// `Deployment/cart`.
pub(super) fn title(object: &Value) -> String {
    format!("{}/{}", text_at(object, "/kind"), text_at(object, "/metadata/name"))
}

/// A string in an object; `?` if there is none.
pub(super) fn text_at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or("?")
}

/// A list in an object; nothing if there is none.
pub(super) fn items_at<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A whole number that is not negative. `null` is as good as absent, as for the API.
pub(super) fn count_at(
    object: &Value,
    pointer: &str,
    place: &str,
) -> Result<Option<u32>, ImportError> {
    match object.pointer(pointer) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
            number.map(Some).ok_or_else(|| {
                let key = pointer.trim_start_matches('/').replace('/', ".");
                ImportError::new(format!("{place}: {key} is {value}, not a whole number"))
                    .at(key.split('.').map(str::to_owned).collect())
            })
        }
    }
}

fn open(document: Value, objects: &mut Vec<Value>) {
    let is_list = text_at(&document, "/kind").ends_with("List");
    match document {
        Value::Object(mut fields) if is_list && fields.contains_key("items") => {
            if let Some(Value::Array(items)) = fields.remove("items") {
                for item in items {
                    open(item, objects);
                }
            }
        }
        object @ Value::Object(_) if object.get("kind").is_some() => objects.push(object),
        // A comment between two `---`, or something that is no Kubernetes object.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_lists_and_anchors_are_opened() {
        let yaml = "# only a comment\n---\n---\nkind: A\nmetadata: &m {name: x}\n---\n\
                    kind: List\nitems:\n- {kind: B, metadata: {name: y}}\n- {kind: C}\n";
        let titles: Vec<_> = parse(yaml, "f").unwrap().iter().map(title).collect();
        assert_eq!(titles, ["A/x", "B/y", "C/?"]);
        assert_eq!(parse("kind: A\nx: {a: y, b: true}\n", "f").unwrap()[0]["x"]["a"], "y");
        let anchors = "kind: A\na: &a {p: 1, q: 2}\nb:\n  <<: *a\n  q: 3\n";
        let object = &parse(anchors, "f").unwrap()[0];
        assert_eq!((&object["b"]["p"], &object["b"]["q"]), (&Value::from(1), &Value::from(3)));
        let json = "{\"kind\": \"List\", \"items\": [{\"kind\": \"B\", \"metadata\": {}}]}";
        assert_eq!(parse(json, "f").unwrap().len(), 1);
    }

    #[test]
    fn broken_text_is_refused_with_its_place() {
        let error = parse("kind: A\nspec:\n  a: [1, 2\n  b: 3\n", "deploy.yaml").unwrap_err();
        assert!(error.message.starts_with("deploy.yaml is broken YAML: "), "{error}");
        assert!(error.line.is_some_and(|line| line >= 3) && error.column.is_some(), "{error:?}");
        let error = parse("{\"kind\": \n oops}", "d.json").unwrap_err();
        assert_eq!((error.line, error.column), (Some(2), Some(2)));
        let error = parse("kind: A\nx: {{ .Values.x }}\n  y: 1\n", "t.yaml").unwrap_err();
        assert!(error.hint.unwrap().contains("helm template"));
        assert!(parse("just: words\n", "f").unwrap_err().message.contains("no Kubernetes object"));
    }
}
