//! What a file is: by its content, whatever its name.

use serde_json::Value;

use super::nomad::hcl;
use super::{ImportError, text};

/// What was found, with the document where there is one.
#[derive(Debug)]
pub(super) enum Found {
    /// Objects with `kind`.
    Kubernetes,
    /// `services` by their names.
    Compose(Value),
    /// A job, in HCL or JSON.
    Nomad(Value),
    /// A service as `aws ecs` prints or takes it.
    Ecs(Value),
    /// A list of plays.
    Ansible(Value),
    /// A deployment configuration or group.
    CodeDeploy(Value),
}

/// What can be imported, for messages.
const KNOWN: &str = "rollcast imports Kubernetes objects (`kind:`), Compose files (`services:`), \
                     Nomad jobs (`job \"x\" {`, or JSON), ECS services (`serviceName`), Ansible \
                     plays (`- hosts:`) and CodeDeploy configurations (`deploymentConfigInfo`)";

/// Tells what a text is.
pub(super) fn find(text: &str, file: &str) -> Result<Found, ImportError> {
    if hcl::looks_like(text) {
        return Ok(Found::Nomad(hcl::parse(text, file)?));
    }
    let mut documents = text::documents(text, file)?;
    documents.retain(|document| !document.is_null());
    let has_kind = |document: &Value| document.get("kind").is_some_and(Value::is_string);
    if documents.iter().any(has_kind) {
        return Ok(Found::Kubernetes);
    }
    let Some(first) = documents.into_iter().next() else {
        return Err(ImportError::new(format!("{file} is empty")).hint(KNOWN));
    };
    let has = |key: &str| first.get(key).is_some();
    let is_map = |key: &str| first.get(key).is_some_and(Value::is_object);
    let is_play =
        |item: &Value| item.get("hosts").is_some() || item.get("import_playbook").is_some();
    if first.as_array().is_some_and(|items| items.iter().any(is_play)) {
        return Ok(Found::Ansible(first));
    }
    if is_map("services") {
        return Ok(Found::Compose(first));
    }
    let ecs = ["serviceName", "desiredCount", "serviceArn", "taskDefinition"];
    if first.get("services").is_some_and(Value::is_array)
        || is_map("service")
        || ecs.iter().any(|key| has(key))
    {
        return Ok(Found::Ecs(first));
    }
    if is_map("job") || is_map("Job") || has("TaskGroups") {
        return Ok(Found::Nomad(first));
    }
    let code_deploy = [
        "deploymentConfigInfo",
        "deploymentGroupInfo",
        "minimumHealthyHosts",
        "deploymentConfigName",
        "zonalConfig",
        "trafficRoutingConfig",
    ];
    if code_deploy.iter().any(|key| has(key)) {
        return Ok(Found::CodeDeploy(first));
    }
    Err(ImportError::new(format!("{file} is nothing that can be imported")).hint(KNOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        let kind = |text: &str| match find(text, "f").unwrap() {
            Found::Kubernetes => "kubernetes",
            Found::Compose(_) => "compose",
            Found::Nomad(_) => "nomad",
            Found::Ecs(_) => "ecs",
            Found::Ansible(_) => "ansible",
            Found::CodeDeploy(_) => "codedeploy",
        };
        for (wanted, text) in [
            ("kubernetes", "---\n---\nkind: Service\n"),
            ("compose", "version: '3.8'\nservices:\n  web: {image: x}\n"),
            ("nomad", "# a job\nvariable \"x\" {}\njob \"a\" {}\n"),
            ("nomad", "{\"Job\": {\"ID\": \"a\"}}"),
            ("nomad", "{\"job\": {\"a\": {}}}"),
            ("ecs", "{\"services\": [], \"failures\": []}"),
            ("ecs", "{\"service\": {\"serviceName\": \"a\"}}"),
            ("ecs", "{\"serviceName\": \"a\"}"),
            ("ansible", "- name: x\n  hosts: web\n"),
            ("codedeploy", "{\"deploymentConfigInfo\": {}}"),
            ("codedeploy", "{\"deploymentGroupInfo\": {}}"),
        ] {
            assert_eq!(kind(text), wanted, "{text}");
        }
        for text in ["", "a: 1\n", "just words\n", "- 1\n- 2\n", "{}"] {
            assert!(find(text, "f").unwrap_err().hint.unwrap().contains("Compose"), "{text}");
        }
    }
}
