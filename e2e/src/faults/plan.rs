//! Which faults, when, and for how long: drawn from a seed, a list of its own for each thing that can break.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// What can be broken here: root, kernel and installed programs decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Equipment {
    /// Devices in network namespaces of their own.
    pub network: bool,
    /// File systems that can be filled.
    pub volumes: bool,
    /// A library that fakes the time.
    pub clocks: bool,
}

/// Whom a fault befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The server, with the broker in it if there is no other.
    Server,
    /// A broker of its own.
    Broker,
    /// A device.
    Device,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL; started again after a while.
    Kill,
    /// SIGSTOP and SIGCONT.
    Freeze,
    /// The link takes packets and delivers none.
    Cut,
    /// The link is down.
    Unplug,
    /// A link that loses so many packets of a hundred.
    Loss(u8),
    /// A link of so many kbit/s.
    Slow(u32),
    /// The file system is full.
    DiskFull,
    /// The wall clock is off by so many seconds.
    ClockJump(i64),
    /// Somebody else writes to the database and does not let go.
    DatabaseHeld,
}

impl Fault {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Freeze => "freeze",
            Self::Cut => "cut",
            Self::Unplug => "unplug",
            Self::Loss(_) => "loss",
            Self::Slow(_) => "slow_link",
            Self::DiskFull => "disk_full",
            Self::ClockJump(_) => "clock_jump",
            Self::DatabaseHeld => "database_held",
        }
    }
}

/// A fault and its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Quiet before it.
    pub wait: Duration,
    /// What happens.
    pub fault: Fault,
    /// How long it lasts; of a kill, how long the thing stays away.
    pub lasts: Duration,
}

/// An endless list of faults for one thing.
#[derive(Debug)]
pub struct Plan {
    random: StdRng,
    menu: Vec<(Fault, u32)>,
    gap: Duration,
}

impl Plan {
    /// The list for the `lane`-th thing of a storm, a fault about each `gap`.
    pub fn new(seed: u64, lane: u64, role: Role, with: Equipment, gap: Duration) -> Self {
        // Lanes differ in the upper half, so that neighbouring seeds share none.
        let random = StdRng::seed_from_u64(seed ^ (lane << 48));
        Self { random, menu: menu(role, with), gap }
    }

    /// The next one.
    pub fn next(&mut self) -> Step {
        let wait = self.gap.mul_f64(-self.random.random_range(1e-3..1.0_f64).ln());
        let fault = self.drawn();
        Step { wait, fault: self.shaped(fault), lasts: self.length(fault) }
    }

    fn drawn(&mut self) -> Fault {
        let mut ticket = self.random.random_range(0..self.menu.iter().map(|(_, weight)| weight).sum());
        for (fault, weight) in &self.menu {
            match u32::checked_sub(ticket, *weight) {
                Some(rest) => ticket = rest,
                None => return *fault,
            }
        }
        Fault::Kill
    }

    /// Draws what of a fault is left open by the menu.
    fn shaped(&mut self, fault: Fault) -> Fault {
        match fault {
            Fault::Loss(_) => Fault::Loss(self.random.random_range(5..=40)),
            Fault::Slow(_) => Fault::Slow(self.random.random_range(16..=256)),
            Fault::ClockJump(widest) => Fault::ClockJump(self.random.random_range(-widest..=widest)),
            other => other,
        }
    }

    fn length(&mut self, fault: Fault) -> Duration {
        let (least, most) = match fault {
            Fault::Kill => (0, 1_500),
            Fault::Freeze => (500, 6_000),
            // Longer than the database waits for another writer.
            Fault::DatabaseHeld => (2_000, 14_000),
            // Longer than a keep-alive, so that the silence is noticed by both sides.
            Fault::Cut => (1_000, 12_000),
            _ => (1_000, 8_000),
        };
        Duration::from_millis(self.random.random_range(least..=most))
    }
}

/// What may befall a role, and how often in comparison.
fn menu(role: Role, with: Equipment) -> Vec<(Fault, u32)> {
    const HOUR: i64 = 3600;
    let mut menu = vec![(Fault::Kill, 60), (Fault::Freeze, 4)];
    match role {
        Role::Server => {
            menu.push((Fault::DatabaseHeld, 8));
            // Tokens live in minutes: a clock that is hours off refuses everybody, and rightly.
            menu.extend(with.clocks.then_some((Fault::ClockJump(90), 6)));
            menu.extend(with.volumes.then_some((Fault::DiskFull, 6)));
        }
        Role::Broker => {}
        Role::Device => {
            menu.extend(with.clocks.then_some((Fault::ClockJump(HOUR), 6)));
            menu.extend(with.volumes.then_some((Fault::DiskFull, 6)));
            if with.network {
                menu.extend([(Fault::Cut, 8), (Fault::Unplug, 6), (Fault::Loss(0), 8), (Fault::Slow(0), 6)]);
            }
        }
    }
    menu
}

/// How much of what befalls a role is a kill.
pub fn kill_share(role: Role, with: Equipment) -> f64 {
    let menu = menu(role, with);
    let all: u32 = menu.iter().map(|(_, weight)| weight).sum();
    f64::from(menu[0].1) / f64::from(all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ALL: Equipment = Equipment { network: true, volumes: true, clocks: true };
    const NONE: Equipment = Equipment { network: false, volumes: false, clocks: false };

    fn steps(seed: u64, lane: u64, role: Role, with: Equipment) -> Vec<Step> {
        let mut plan = Plan::new(seed, lane, role, with, Duration::from_secs(5));
        (0..400).map(|_| plan.next()).collect()
    }

    #[test]
    fn a_seed_is_a_storm() {
        assert_eq!(steps(7, 1, Role::Device, ALL), steps(7, 1, Role::Device, ALL));
        assert_ne!(steps(7, 1, Role::Device, ALL), steps(7, 2, Role::Device, ALL), "each thing has its own");
        assert_ne!(steps(7, 1, Role::Device, ALL), steps(8, 1, Role::Device, ALL));
    }

    #[test]
    fn everything_that_can_happen_happens_and_nothing_else() {
        let names = |role, with| steps(1, 0, role, with).iter().map(|step| step.fault.name()).collect::<BTreeSet<_>>();
        let check = |role, with, expected: &[&str]| assert_eq!(names(role, with), expected.iter().copied().collect());
        check(Role::Broker, ALL, &["kill", "freeze"]);
        check(Role::Server, ALL, &["kill", "freeze", "database_held", "clock_jump", "disk_full"]);
        check(Role::Server, NONE, &["kill", "freeze", "database_held"]);
        check(Role::Device, NONE, &["kill", "freeze"]);
        let all = ["kill", "freeze", "cut", "unplug", "loss", "slow_link", "clock_jump", "disk_full"];
        check(Role::Device, ALL, &all);
    }

    #[test]
    fn faults_come_as_often_as_asked_and_most_are_kills() {
        let steps = steps(3, 0, Role::Device, ALL);
        let mean = steps.iter().map(|step| step.wait.as_secs_f64()).sum::<f64>() / 400.0;
        assert!((4.0..6.0).contains(&mean), "{mean}");
        let kills = steps.iter().filter(|step| step.fault == Fault::Kill).count() as f64 / 400.0;
        assert!((kills - kill_share(Role::Device, ALL)).abs() < 0.1, "{kills}");
    }
}
