//! This machine's clock beside one that only goes forward: a jump is told to whoever operates the server. What the server does
//! about jumps stands where times are kept: jobs, leases, limits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use secondme_kit::Millis;

use crate::app::App;

/// How often the two are compared.
const LOOK: Duration = Duration::from_secs(5);
/// A smaller difference is a clock that is being adjusted, in milliseconds.
const JUMP: Millis = 2_000;

static JUMPS: AtomicU64 = AtomicU64::new(0);

/// How often the clock jumped while this process ran.
pub fn jumps() -> u64 {
    JUMPS.load(Ordering::Relaxed)
}

/// Both clocks at the last look.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    wall: Millis,
    steady: Instant,
}

impl Watch {
    /// From now on.
    pub fn new(app: &App) -> Self {
        Self { wall: app.now(), steady: Instant::now() }
    }

    /// How far the clock jumped since the last look, in milliseconds: forwards, or (below 0) back.
    pub fn look(&mut self, app: &App) -> Option<Millis> {
        let now = Self::new(app);
        let passed = Millis::try_from(now.steady.duration_since(self.steady).as_millis()).unwrap_or(Millis::MAX);
        let jumped = now.wall.saturating_sub(self.wall).saturating_sub(passed);
        *self = now;
        if jumped.abs() < JUMP {
            return None;
        }
        JUMPS.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(jumped_ms = jumped, "this machine's clock jumped; is it kept by NTP?");
        Some(jumped)
    }
}

/// Looks until the server stops.
pub async fn run(app: App) {
    let mut watch = Watch::new(&app);
    while tokio::time::timeout(LOOK, app.stopping().cancelled()).await.is_err() {
        watch.look(&app);
    }
}
