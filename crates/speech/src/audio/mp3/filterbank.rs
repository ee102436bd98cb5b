//! From samples to 576 spectral lines: 32 bands by the polyphase filter, 18 lines of each by the MDCT (ISO/IEC 11172-3, C.1.3
//! and C.1.5.3.3; long blocks only).

use std::f32::consts::PI;
use std::sync::OnceLock;

use super::FRAME;
use super::tables::WINDOW;

const BANDS: usize = 32;
/// Samples of a band in a frame, and its lines.
const SLOTS: usize = 18;
/// What the butterflies against aliasing are made from (table 3-B.9).
const ALIASING: [f32; 8] = [-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037];

/// The matrices that do not change.
struct Matrices {
    window: [f32; 512],
    bands: [[f32; 64]; BANDS],
    mdct: [[f32; 2 * SLOTS]; SLOTS],
    butterflies: [(f32, f32); 8],
}

fn matrices() -> &'static Matrices {
    static MATRICES: OnceLock<Box<Matrices>> = OnceLock::new();
    MATRICES.get_or_init(|| {
        let band = |k: usize, i: usize| ((2 * k + 1) as f32 * (i as f32 - 16.0) * PI / 64.0).cos();
        let sine = |n: usize| (PI / 36.0 * (n as f32 + 0.5)).sin();
        let wave = |k: usize, n: usize| (PI / 72.0 * (2 * n + 1 + SLOTS) as f32 * (2 * k + 1) as f32).cos();
        Box::new(Matrices {
            window: std::array::from_fn(|i| WINDOW[i] as f32 / (65_536.0 * 32.0)),
            bands: std::array::from_fn(|k| std::array::from_fn(|i| band(k, i))),
            mdct: std::array::from_fn(|k| std::array::from_fn(|n| sine(n) * wave(k, n) / 9.0)),
            butterflies: ALIASING.map(|c| (1.0 / (1.0 + c * c).sqrt(), c / (1.0 + c * c).sqrt())),
        })
    })
}

/// What the filters remember of the samples before.
pub(super) struct Filterbank {
    /// The last 512 samples, the newest first.
    past: [f32; 512],
    /// The bands of the frame before.
    before: [[f32; SLOTS]; BANDS],
}

impl Filterbank {
    pub(super) fn new() -> Self {
        Self { past: [0.0; 512], before: [[0.0; SLOTS]; BANDS] }
    }

    /// The lines of the next frame; `samples` are 576.
    pub(super) fn lines(&mut self, samples: &[f32]) -> [f32; FRAME] {
        let m = matrices();
        let mut now = [[0.0; SLOTS]; BANDS];
        for (slot, chunk) in samples.chunks_exact(BANDS).enumerate() {
            for (band, value) in self.bands(m, chunk).into_iter().enumerate() {
                // Every other sample of every other band is turned over: their spectra are upside down.
                now[band][slot] = if band % 2 == 1 && slot % 2 == 1 { -value } else { value };
            }
        }
        let mut lines = [0.0; FRAME];
        for (band, (before, now)) in self.before.iter().zip(&now).enumerate() {
            let both = before.iter().chain(now);
            for (k, row) in m.mdct.iter().enumerate() {
                lines[band * SLOTS + k] = row.iter().zip(both.clone()).map(|(a, b)| a * b).sum();
            }
        }
        self.before = now;
        for border in (SLOTS..FRAME).step_by(SLOTS) {
            for (i, (cs, ca)) in m.butterflies.iter().enumerate() {
                let (below, above) = (lines[border - 1 - i], lines[border + i]);
                lines[border - 1 - i] = below * cs + above * ca;
                lines[border + i] = above * cs - below * ca;
            }
        }
        lines
    }

    /// 32 new samples as one sample of each band.
    fn bands(&mut self, m: &Matrices, chunk: &[f32]) -> [f32; BANDS] {
        self.past.copy_within(0..512 - BANDS, BANDS);
        for (place, sample) in self.past[..BANDS].iter_mut().zip(chunk.iter().rev()) {
            *place = *sample;
        }
        let folded: [f32; 64] =
            std::array::from_fn(|i| (0..8).map(|j| self.past[i + 64 * j] * m.window[i + 64 * j]).sum());
        std::array::from_fn(|k| m.bands[k].iter().zip(&folded).map(|(a, b)| a * b).sum())
    }
}
