use serde_json::{Value, json};

use super::{looks_like_one, read};
use crate::trace::recorded::life::Lives;

const TEN: f64 = 1_795_341_600.0;

fn event(second: f64, action: &str, task: &str, more: &[(&str, &str)]) -> Value {
    let mut attributes = json!({
        "image": "shop/web:2@sha256:1a2b3c4d5e", "name": format!("web.1.{task}"),
        "com.docker.swarm.service.id": "s1", "com.docker.swarm.service.name": "web",
        "com.docker.swarm.task.id": task, "com.docker.swarm.task.name": format!("web.1.{task}"),
    });
    for (key, value) in more {
        attributes[*key] = json!(value);
    }
    let nanos = ((TEN + second) * 1e9).round() as u64;
    json!({
        "status": action, "Type": "container", "Action": action,
        "Actor": { "ID": format!("c-{task}"), "Attributes": attributes },
        "scope": "local", "time": nanos / 1_000_000_000, "timeNano": nanos,
    })
}

fn task(id: &str, slot: u32, created: &str, state: (&str, &str), desired: &str) -> Value {
    let code = i32::from(state.0 == "failed");
    json!({
        "ID": id, "CreatedAt": created, "ServiceID": "s1", "Slot": slot, "NodeID": "n1",
        "Spec": { "ContainerSpec": { "Image": "shop/web:2" }, "ForceUpdate": 0 },
        "Status": { "Timestamp": state.1, "State": state.0,
            "ContainerStatus": { "ExitCode": code } },
        "DesiredState": desired,
    })
}

fn lives(texts: &[&str]) -> Lives {
    read(texts).unwrap()
}

fn lines(values: &[Value]) -> String {
    values.iter().flat_map(|value| [value.to_string(), "\n".to_owned()]).collect()
}

#[test]
fn a_stream_of_events_tells_of_a_container() {
    let text = lines(&[
        event(0.25, "create", "t1", &[]),
        event(1.5, "start", "t1", &[]),
        event(2.0, "exec_create: /bin/check", "t1", &[]),
        event(6.5, "health_status: healthy", "t1", &[]),
        json!({ "Type": "network", "Action": "connect", "Actor": {}, "time": 1 }),
        event(60.0, "kill", "t1", &[("signal", "15")]),
        event(62.5, "die", "t1", &[("exitCode", "0")]),
    ]);
    let read = lives(&[&text]);
    let life = &read.lives[0];
    assert_eq!((life.workload.as_str(), life.version.as_str()), ("web", "shop/web:2@1a2b3c4"));
    let after = |time: Option<f64>| time.map(|time| ((time - TEN) * 1e3).round() / 1e3);
    assert_eq!(
        [life.free, life.started, life.ready, life.told, life.ended].map(after),
        [0.25, 1.5, 6.5, 60.0, 62.5].map(Some)
    );
    assert!(life.probed && !life.killed && !life.unclear);
    assert_eq!(read.tick, 0.0);
}

#[test]
fn who_was_killed_who_crashed_and_who_was_there_before() {
    let text = lines(&[
        event(0.0, "kill", "t0", &[("signal", "15")]),
        event(10.0, "kill", "t0", &[("signal", "9")]),
        event(10.1, "die", "t0", &[("exitCode", "137")]),
        event(11.0, "create", "t1", &[]),
        event(12.0, "start", "t1", &[]),
        event(13.0, "die", "t1", &[("exitCode", "1")]),
        event(14.0, "create", "t2", &[]),
        event(19.0, "start", "t2", &[]),
    ]);
    let read = lives(&[&text]);
    let [before, crashed, after] = &read.lives[..] else { panic!("{read:?}") };
    assert!(before.killed && before.unclear && before.free.is_none());
    assert_eq!((crashed.told, crashed.ended), (None, None), "nobody told it");
    // The restart policy's delay lies between.
    assert_eq!(after.free, None);
    assert!(crashed.free.is_some_and(|free| (free - TEN - 11.0).abs() < 1e-3));
}

#[test]
fn lists_of_tasks_show_since_when_they_run() {
    let list = json!([
        task("a", 1, "2026-11-22T10:00:00.5Z", ("shutdown", "2026-11-22T10:00:20Z"), "shutdown"),
        task("b", 1, "2026-11-22T10:00:18Z", ("running", "2026-11-22T10:00:24.25Z"), "running"),
        task("c", 2, "2026-11-22T10:00:18Z", ("running", "2026-11-22T10:00:21Z"), "running"),
        task("d", 3, "2026-11-22T10:00:19Z", ("starting", "2026-11-22T10:00:22Z"), "running"),
    ]);
    let service = json!([{ "ID": "s1", "Spec": { "Name": "web", "TaskTemplate": {} } }]);
    let texts = [list.to_string(), service.to_string()];
    assert!(texts.iter().all(|text| looks_like_one(text)));
    let read = lives(&[&texts[0], &texts[1]]);
    let life = |name: &str| read.lives.iter().find(|life| life.name == name).unwrap();
    assert!(read.lives.iter().all(|life| life.workload == "web"));
    // It waited for the one before it in its slot.
    let (b, c) = (life("b"), life("c"));
    assert_eq!((b.free, b.ready), (Some(TEN + 20.0), Some(TEN + 24.25)));
    assert_eq!((c.free, c.ready), (Some(TEN + 18.0), Some(TEN + 21.0)));
    assert!(life("a").unclear, "nobody saw since when it ran");
    assert_eq!((life("d").ready, life("d").seen), (None, TEN + 24.25));
    // Together with the events of its container.
    let ends =
        lines(&[event(60.0, "kill", "c", &[("signal", "15")]), event(61.0, "die", "c", &[])]);
    let both = lives(&[&texts[0], &ends]);
    let c = both.lives.iter().find(|life| life.name == "web.1.c").unwrap();
    assert_eq!((c.free, c.told, c.ended), (Some(TEN + 18.0), Some(TEN + 60.0), Some(TEN + 61.0)));
}

#[test]
fn complaints_name_the_line_and_what_was_expected() {
    let wrong = |text: &str| read(&[text]).unwrap_err().1.to_string();
    let ps = "{\"CurrentState\":\"Running 3 minutes ago\",\"ID\":\"x\"}";
    let said = wrong(&format!("\n{ps}\n"));
    assert!(said.starts_with("line 2: `docker service ps` says only how long ago; expected"));
    assert!(said.contains("docker inspect $(docker service ps -q SERVICE)"), "{said}");
    assert!(wrong("[{\"Id\": \"x\"}]").contains("an object of the list is a container"));
    assert!(wrong("[\n{]").starts_with("line 2: no JSON"), "{}", wrong("[\n{]"));
    let mut bad = task("a", 1, "yesterday", ("running", "2026-11-22T10:00:20Z"), "running");
    let text = serde_json::to_string_pretty(&json!([bad.clone()])).unwrap();
    let line = text.lines().position(|line| line.contains("yesterday")).unwrap() + 1;
    assert!(wrong(&text).starts_with(&format!("line {line}: `yesterday` is no time")));
    bad["CreatedAt"] = Value::Null;
    assert!(wrong(&json!([bad]).to_string()).contains("`a` has no `CreatedAt`"));
    let mut bad = event(1.0, "start", "t1", &[]);
    bad.as_object_mut().unwrap().retain(|key, _| !key.starts_with("time"));
    assert!(wrong(&lines(&[bad])).contains("the event `start` has no `timeNano`"));
    assert!(!looks_like_one("{\"kind\": \"List\"}"));
}
