//! `[quorum]`: the service answers only while enough of its members vote.

use super::{Default::Is, Default::Says, Env, Key, Kind, Page, Piece, Table, key};
use crate::scenario::Dist;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;

/// A service of members that vote (etcd, a Raft group).
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Quorum {
    /// All members. Those beyond the fleet's instances run elsewhere and always vote.
    pub members: u32,
    /// So many must vote.
    pub need: u32,
    /// Process could answer → it votes: it replays its log first.
    pub catch_up: Dist,
}

impl Piece for Quorum {
    const TABLE: Table = Table {
        path: "quorum",
        about: "The service answers only while enough of its members vote.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let catch_up = env.dist(path, "catch_up");
        let instances = env.section("service").count("instances");
        let section = env.section(path);
        let members = section.written("members").map_or(instances, |_| section.count("members"));
        let need = section.limit("need").unwrap_or(members / 2 + 1);
        let (members_at, need_at) = (section.place("members"), section.place("need"));
        if members < instances {
            let message = format!("{instances} instances cannot be {members} members");
            let hint = "leave `members` out, or count those that run elsewhere too";
            env.problem(Diagnostic::new(Code::Conflict, members_at, message, hint));
        } else if need > members {
            let message = format!("{need} of {members} members can never vote");
            let hint = format!("at most {members}");
            env.problem(Diagnostic::new(Code::OutOfRange, need_at, message, hint));
        }
        Self { members, need, catch_up }
    }

    fn write(&self, page: &mut Page) {
        page.raw("members", self.members);
        page.raw("need", self.need);
        page.dist("catch_up", &self.catch_up);
    }
}

const KEYS: &[Key] = &[
    key(
        "members",
        Kind::Count(1, 1_000_000),
        Says("as many as instances"),
        "All members; those beyond the instances run elsewhere and always vote.",
        "5",
    ),
    key(
        "need",
        Kind::OneOf(&[Kind::Word(&["majority"]), Kind::Count(1, 1_000_000)]),
        Is("\"majority\""),
        "So many must vote.",
        "3",
    ),
    key(
        "catch_up",
        Kind::Dist,
        Is("\"0s\""),
        "A process that could answer until it votes: it replays its log first.",
        "\"20s\"",
    ),
];
