use serde_json::{Value, json};

use super::Pods;

fn at(second: u32) -> String {
    format!("2026-11-22T10:{:02}:{:02}Z", second / 60, second % 60)
}

fn pod(name: &str, ready: Option<u32>) -> Value {
    let status = if ready.is_some() { "True" } else { "False" };
    json!({
        "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "shop", "uid": name,
            "labels": { "pod-template-hash": "6f7c9d" },
            "ownerReferences": [{ "kind": "ReplicaSet", "name": "cart-6f7c9d" }],
            "creationTimestamp": at(0),
        },
        "spec": { "containers": [{ "image": "cart:2", "lifecycle": {
            "preStop": { "sleep": { "seconds": 5 } } } }] },
        "status": {
            "conditions": [
                { "type": "PodScheduled", "status": "True", "lastTransitionTime": at(1) },
                { "type": "Ready", "status": status, "lastTransitionTime": at(ready.unwrap_or(1)) },
            ],
            "containerStatuses": [
                { "restartCount": 0, "state": { "running": { "startedAt": at(3) } } },
            ],
        },
    })
}

fn read(values: &[Value]) -> Pods {
    let text: Vec<String> =
        values.iter().map(|v| serde_json::to_string_pretty(v).unwrap()).collect();
    Pods::read(&[&text.join("\n")]).unwrap()
}

const TEN: i64 = 1_795_341_600;

#[test]
fn a_list_with_replica_sets_and_events() {
    let set = json!({ "kind": "ReplicaSet", "metadata": {
        "name": "cart-6f7c9d", "namespace": "shop", "labels": { "pod-template-hash": "6f7c9d" },
        "annotations": { "deployment.kubernetes.io/revision": "4" } } });
    let event = |reason: &str, second| {
        json!({ "kind": "Event", "reason": reason,
        "involvedObject": { "kind": "Pod", "uid": "a" }, "firstTimestamp": at(second) })
    };
    let job = json!({ "kind": "Pod", "metadata": { "name": "once", "uid": "once" } });
    let items =
        [pod("a", Some(9)), pod("b", None), set, event("Pulling", 1), event("Pulled", 2), job];
    let pods = read(&[json!({ "kind": "List", "items": items })]);
    assert_eq!((pods.pods.len(), pods.others, pods.latest), (2, 1, TEN + 9));
    let a = &pods.pods[0];
    assert_eq!(
        (a.workload.as_str(), a.version.as_str(), a.revision),
        ("shop/cart", "6f7c9d", Some(4))
    );
    let second = |s: i64| Some(TEN + s);
    assert_eq!([a.scheduled, a.pulling, a.pulled, a.started, a.ready], [1, 1, 2, 3, 9].map(second));
    assert_eq!((a.pre_stop, a.unclear, a.told), (Some(5), false, None));
    assert_eq!((pods.pods[1].ready, pods.pods[1].unclear), (None, false));
}

#[test]
fn a_stream_tells_of_the_end() {
    let event = |kind: &str, object: &Value| json!({ "type": kind, "object": object });
    let mut gone = pod("a", None);
    gone["metadata"]["deletionTimestamp"] = at(60).into();
    gone["metadata"]["deletionGracePeriodSeconds"] = 30.into();
    gone["status"]["containerStatuses"][0]["state"] =
        json!({ "terminated": { "startedAt": at(3), "finishedAt": at(37), "exitCode": 0 } });
    let stream = [
        event("ADDED", &pod("a", None)),
        event("MODIFIED", &pod("a", Some(9))),
        event("DELETED", &gone),
    ];
    let pods = read(&stream);
    let a = &pods.pods[0];
    let second = |s: i64| Some(TEN + s);
    assert_eq!((a.ready, a.told, a.ended, a.gone), (second(9), second(30), second(37), true));
    assert!(!a.killed && !a.unclear);
    assert!(read(&stream[2..]).pods[0].unclear, "seen only when it was not ready any more");
}

fn event_of(kind: &str, name: &str, uid: &str, reason: &str, message: &str, second: u32) -> Value {
    json!({ "kind": "Event", "reason": reason, "message": message, "firstTimestamp": at(second),
        "involvedObject": { "kind": kind, "namespace": "shop", "name": name, "uid": uid } })
}

#[test]
fn events_tell_of_pods_that_are_gone() {
    let pod_event = |reason: &str, message: &str, second| {
        event_of("Pod", "cart-6f7c9d-old", "old", reason, message, second)
    };
    let pulled = "Successfully pulled image \"cart:2\" in 2.5s (3s including waiting). Image \
                  size: 50000000 bytes.";
    let set = |reason: &str, message: &str, second| {
        event_of("ReplicaSet", "cart-6f7c9d", "set", reason, message, second)
    };
    let items = [
        pod("a", Some(9)),
        set("SuccessfulCreate", "Created pod: cart-6f7c9d-old", 20),
        pod_event("Scheduled", "Successfully assigned shop/cart-6f7c9d-old to node-7", 20),
        pod_event("Pulling", "Pulling image \"cart:2\"", 21),
        pod_event("Pulled", pulled, 24),
        pod_event("Started", "Started container app", 25),
        pod_event("Killing", "Container app failed liveness probe, will be restarted", 90),
        pod_event("Killing", "Stopping container app", 100),
        pod_event("Unhealthy", "Readiness probe failed", 103),
    ];
    let pods = read(&[json!({ "kind": "List", "items": items })]);
    let old = pods.pods.iter().find(|pod| pod.name == "cart-6f7c9d-old").unwrap();
    let second = |s: i64| Some(TEN + s);
    assert_eq!((old.workload.as_str(), old.version.as_str()), ("shop/cart", "6f7c9d"));
    assert_eq!([old.scheduled, old.pulled, old.started, old.told], [20, 24, 25, 100].map(second));
    assert_eq!((old.ready, old.ended, old.unclear), (None, None, true));
    assert_eq!((old.pull, old.host.as_deref()), (Some((2.5, 50_000_000)), Some("node-7")));
    assert_eq!((old.seen, old.pre_stop), (TEN + 103, Some(5)), "alive after it was told");
}

#[test]
fn the_successor_of_a_stateful_pod_tells_when_it_had_ended() {
    let stateful = |uid: &str, created: u32| {
        let mut pod = pod(uid, Some(created + 9));
        pod["metadata"]["name"] = "db-0".into();
        pod["metadata"]["creationTimestamp"] = at(created).into();
        pod["metadata"]["ownerReferences"] = json!([{ "kind": "StatefulSet", "name": "db" }]);
        pod["metadata"]["labels"] = json!({ "controller-revision-hash": "db-77" });
        pod
    };
    let first = json!({ "kind": "List", "items": [stateful("one", 0)] });
    let killing = event_of("Pod", "db-0", "one", "Killing", "Stopping container db", 60);
    let second = json!({ "kind": "List", "items": [stateful("two", 67), killing] });
    let pods = read(&[first, second]);
    let one = pods.pods.iter().find(|pod| pod.ended.is_some()).unwrap();
    assert_eq!((one.told, one.ended, one.gone), (Some(TEN + 60), Some(TEN + 67), true));
    let two = pods.pods.iter().find(|pod| pod.ended.is_none()).unwrap();
    assert_eq!((two.told, two.seen), (None, TEN + 76));
}

#[test]
fn complaints_name_the_line_and_what_was_expected() {
    let wrong = |text: &str| Pods::read(&[text]).unwrap_err().1.to_string();
    let kubectl = "what `kubectl get … -o json` prints";
    assert_eq!(wrong(" \n"), format!("line 2: nothing but white space; expected {kubectl}"));
    assert!(
        wrong("{\n\"kind\": }").starts_with("line 2: no JSON: "),
        "{}",
        wrong("{\n\"kind\": }")
    );
    assert!(
        wrong("{}").starts_with("line 1: neither `kind` nor `items` nor `object`; expected an")
    );
    let text = serde_json::to_string_pretty(&pod("a", Some(9))).unwrap();
    let bad = text.replace("2026-11-22T10:00:09Z", "yesterday");
    let line = bad.lines().position(|line| line.contains("yesterday")).unwrap() + 1;
    let expected = "one such as 2026-11-22T10:00:00Z";
    assert_eq!(wrong(&bad), format!("line {line}: `yesterday` is no time; expected {expected}"));
    let bad = text.replace("\"restartCount\": 0", "\"restartCount\": \"no\"");
    assert!(wrong(&bad).contains("object `a`: invalid type"), "{}", wrong(&bad));
}
