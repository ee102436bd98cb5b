//! How fast memories are found and how much room they take: one user with 1,000, 100,000 and 1,000,000 memories, in the same
//! image that the server searches. Words are drawn as people use them (few often, many seldom), vectors around topics.

use std::time::Instant;

use secondme_recall::{Code, Image, Item, Question};

use super::Bench;
use super::report::{Goal, number};
use super::samples::Samples;

const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];
const QUERIES: usize = 300;
const DIMENSIONS: usize = 384;
const TOPICS: usize = 500;
const VOCABULARY: usize = 60_000;
const WORDS_EACH: usize = 15;

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A word's rank: the n-th most frequent one is n times rarer than the first.
    fn word(&mut self) -> usize {
        ((VOCABULARY as f64).powf(self.next()) - 1.0) as usize
    }

    fn text(&mut self, words: usize) -> String {
        (0..words).map(|_| format!("w{}x", self.word())).collect::<Vec<_>>().join(" ")
    }

    fn vector(&mut self, topics: &[Vec<f32>]) -> Code {
        let topic = &topics[(self.next() * topics.len() as f64) as usize % topics.len()];
        Code::of(&topic.iter().map(|x| x + (self.next() as f32 - 0.5)).collect::<Vec<_>>())
    }
}

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    bench
        .report
        .begin("Memories of one user: speed and room", &["in this process; no embedder in the times".to_owned()]);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let topics: Vec<Vec<f32>> =
        (0..TOPICS).map(|_| (0..DIMENSIONS).map(|_| numbers.next() as f32 - 0.5).collect()).collect();
    let mut image = Image::default();
    for size in SIZES {
        let (begun, before) = (Instant::now(), image.len());
        for id in before..size {
            put(&mut image, id, &mut numbers, &topics);
        }
        let each = begun.elapsed().as_secs_f64() * 1e6 / (size - before) as f64;
        let questions: Vec<(String, Code)> = (0..QUERIES).map(|_| (numbers.text(8), numbers.vector(&topics))).collect();
        let samples = bench.report.round(async || Ok(times(&image, &questions))).await?;
        let what = format!("search among {} memories", number(size as f64));
        bench.report.row(
            &what,
            &format!("p50 {:.2} ms, p99 {:.2} ms ({each:.1} µs to take one in)", samples.ms(0.5), samples.ms(0.99)),
        );
        if size == 1_000_000 {
            bench.report.goal(&format!("{what}, p99"), Goal::AtMost(12.0), samples.ms(0.99), " ms");
            let kept = kept(&image, &questions);
            bench
                .report
                .row("of the 100 nearest vectors, found by way of the signs", &format!("{:.1} %", kept * 100.0));
            bench.report.row("room for a million memories", &format!("{} MB", number(image.bytes() as f64 / 1e6)));
        }
    }
    bench.report.end();
    Ok(())
}

fn put(image: &mut Image, id: usize, numbers: &mut Numbers, topics: &[Vec<f32>]) {
    let id = i64::try_from(id).unwrap_or(0);
    let conversation = format!("c{}", id / 20);
    image.put(&Item {
        id,
        text: &numbers.text(WORDS_EACH),
        speaker: Some(if id % 2 == 0 { "Ada" } else { "Melanie" }),
        conversation: Some(&conversation),
        position: id % 20,
        at: 1_600_000_000_000 + id * 60_000,
        importance: 0.5,
        kind: 0,
    });
    image.set_vector(id, &numbers.vector(topics));
}

fn question<'a>((text, vector): &'a (String, Code)) -> Question<'a> {
    Question { text, vector: Some(vector), now: 1_700_000_000_000, limit: 20, kinds: 0, except: None }
}

fn times(image: &Image, questions: &[(String, Code)]) -> Samples {
    let mut samples = Samples::default();
    for asked in questions {
        let begun = Instant::now();
        std::hint::black_box(image.search(&question(asked)));
        samples.add(begun.elapsed());
    }
    samples
}

/// Which share of the truly nearest vectors the shortcut finds.
fn kept(image: &Image, questions: &[(String, Code)]) -> f64 {
    let shares: Vec<f64> = questions
        .iter()
        .take(30)
        .map(|(_, vector)| {
            let all = image.nearest(vector, 100, true);
            let short = image.nearest(vector, 100, false);
            all.iter().filter(|id| short.contains(id)).count() as f64 / all.len().max(1) as f64
        })
        .collect();
    shares.iter().sum::<f64>() / shares.len().max(1) as f64
}
