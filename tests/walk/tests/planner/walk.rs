//! The walk: every world that can be reached, breadth first, so that the first one found broken has a short history.

use super::{
    calm,
    environment::{self, Step},
    scenario::{Planner, Scenario},
    violation::{Checked, Violation},
    world::World,
};
use gracekey::domain::{facts::RotateRequest, ids::RotateToken, plan::Action};
use std::{
    collections::VecDeque,
    fmt::Write,
    hash::{Hash, Hasher},
};

/// What was seen, as fingerprints of 128 bits.
#[expect(clippy::disallowed_types, reason = "its order is never looked at")]
#[derive(Default)]
pub(super) struct Fingerprints(std::collections::HashSet<u128, std::hash::BuildHasherDefault<Folded>>);

impl Fingerprints {
    /// Whether it is new.
    pub(super) fn insert(&mut self, fingerprint: u128) -> bool {
        self.0.insert(fingerprint)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

pub(super) fn fingerprint(world: &World) -> u128 {
    let mut hasher = Wide(0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03);
    world.hash(&mut hasher);
    u128::from(hasher.0) << 64 | u128::from(hasher.1)
}

/// Two lanes of multiply and rotate. Not for strangers' input; quick even where nothing is inlined.
struct Wide(u64, u64);

impl Wide {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0 ^ word)
            .wrapping_mul(0xff51_afd7_ed55_8ccd)
            .rotate_left(31);
        self.1 = (self.1.rotate_left(27) ^ word).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        self.0 ^= self.0 >> 29;
        self.1 ^= self.1 >> 32;
    }
}

impl Hasher for Wide {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word) ^ (chunk.len() as u64) << 56);
        }
    }

    fn write_u8(&mut self, i: u8) {
        self.mix(u64::from(i) | 1 << 40);
    }

    fn write_usize(&mut self, i: usize) {
        self.mix(i as u64);
    }

    fn write_i64(&mut self, i: i64) {
        self.mix(i.cast_unsigned());
    }

    fn write_u64(&mut self, i: u64) {
        self.mix(i);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A fingerprint is hashed already.
#[derive(Default)]
pub(super) struct Folded(u64);

impl Hasher for Folded {
    fn write(&mut self, _: &[u8]) {}

    fn write_u128(&mut self, i: u128) {
        self.0 = u64::try_from(i >> 64).unwrap_or_default();
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What a walk saw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub states: usize,
    pub edges: usize,
    pub calm: usize,
}

/// A broken invariant, with the shortest way to it.
#[derive(Debug)]
pub(super) struct Found {
    pub violation: Violation,
    pub trace: String,
}

struct Node {
    parent: u32,
    step: u16,
}

struct Walk<'a> {
    scenario: &'a Scenario,
    planner: &'a Planner,
    start: World,
    nodes: Vec<Node>,
    calm: Fingerprints,
}

/// Walks every world of this scenario, or up to the first that is broken.
pub(super) fn walk(scenario: &Scenario, planner: &Planner) -> Result<Seen, Found> {
    let mut calm = Fingerprints::default();
    let start = begin(scenario, planner, &mut calm).map_err(|violation| Found {
        violation,
        trace: "while it is made ready".into(),
    })?;
    let mut walk = Walk {
        scenario,
        planner,
        start,
        nodes: Vec::new(),
        calm,
    };
    let mut seen = Fingerprints::default();
    let mut queue = VecDeque::new();
    let mut edges = 0;
    seen.insert(fingerprint(&walk.start));
    walk.nodes.push(Node { parent: 0, step: 0 });
    queue.push_back((0, walk.start.clone()));
    while let Some((index, world)) = queue.pop_front() {
        calm::comes_to_rest(&world, scenario, planner, &mut walk.calm)
            .map_err(|violation| walk.found(index, None, violation))?;
        for (step, what) in environment::steps(&world, scenario).iter().enumerate() {
            edges += 1;
            let next = environment::apply(&world, what, scenario, planner)
                .map_err(|violation| walk.found(index, Some(what), violation))?;
            if seen.insert(fingerprint(&next)) {
                let node = Node {
                    parent: index,
                    step: u16::try_from(step).unwrap(),
                };
                queue.push_back((u32::try_from(walk.nodes.len()).unwrap(), next));
                walk.nodes.push(node);
            }
        }
    }
    Ok(Seen {
        states: seen.len(),
        edges,
        calm: walk.calm.len(),
    })
}

fn begin(scenario: &Scenario, planner: &Planner, calm: &mut Fingerprints) -> Checked<World> {
    let blank = scenario.blank();
    if !scenario.settled {
        return Ok(blank);
    }
    let mut world = calm::comes_to_rest(&blank, scenario, planner, calm)?;
    world.lead = super::world::Process::default();
    world.budget = scenario.budget;
    if scenario.rotating
        && let Some(object) = &mut world.object
    {
        let token = RotateToken::new("t1");
        object.desired.rotate = Some(RotateRequest { token, grace: None });
    }
    Ok(world)
}

impl Walk<'_> {
    fn found(&self, mut index: u32, last: Option<&Step>, violation: Violation) -> Found {
        let mut path = Vec::new();
        while index != 0 {
            let node = &self.nodes[index as usize];
            path.push(node.step);
            index = node.parent;
        }
        let (mut world, mut trace) = (self.start.clone(), String::new());
        for index in path.into_iter().rev() {
            let step = environment::steps(&world, self.scenario).swap_remove(index.into());
            say(&mut trace, &world, &step);
            world = environment::apply(&world, &step, self.scenario, self.planner).expect("walked before");
        }
        match last {
            Some(step) => say(&mut trace, &world, step),
            None => trace.push_str("  and then, without faults, to its rest\n"),
        }
        let _ = writeln!(trace, "  {}: {}", violation.invariant, violation.what);
        let _ = writeln!(trace, "  keys {:?}\n  secret {:?}", world.keys, world.secret);
        let _ = writeln!(trace, "  ledger {:?}\n  notes {:?}", world.ledger(), world.ghost);
        Found { violation, trace }
    }
}

fn say(trace: &mut String, world: &World, step: &Step) {
    let mut world = world.clone();
    let run = if let Step::Act(who, _) = step {
        world.process(*who).run.take()
    } else {
        None
    };
    let _ = match run.and_then(|run| run.todo.first().map(brief)) {
        Some(action) => writeln!(trace, "  {step:?}: {action}"),
        None => writeln!(trace, "  {step:?}"),
    };
}

/// An action without the ledger or the mirror that it writes.
fn brief(action: &Action) -> String {
    if let Action::WriteLedger(_, change) = action {
        return format!("WriteLedger {change:?}");
    }
    if let Action::Publish { id, .. } = action {
        return format!("Publish {id}");
    }
    format!("{action:?}")
}
