//! A portrait by the model, of which only what the memories say is kept.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Draft, Interest};
use crate::app::App;
use crate::learning::ask::{self, NoAnswer, Question};
use crate::memory::key_memories::KeyMemory;
use crate::memory::words::Bag;
use crate::users::profile::Profile;

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    sentences: Vec<Sentence>,
    #[serde(default)]
    interests: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
struct Sentence {
    text: String,
    #[serde(default)]
    from: Vec<usize>,
}

#[derive(Debug, Deserialize)]
struct Tag {
    name: String,
    description: String,
    #[serde(default)]
    from: Vec<usize>,
}

/// So much of a sentence's words must be in the memories it names.
const SUPPORT: f64 = 0.5;
const ANSWER_TOKENS: u32 = 1_500;
/// Share of the model's context that the memories may take: half.
const MATERIAL: usize = 2;

pub(super) async fn draft(app: &App, profile: &Profile, memories: &[KeyMemory]) -> Result<Draft, NoAnswer> {
    let name = ask::model(app).ok_or(NoAnswer::Off)?;
    if memories.is_empty() {
        return Ok(Draft::default());
    }
    let model = app.models().get(name);
    let room = model.info().context_tokens / MATERIAL;
    let mut material = String::from("Memories:\n");
    let mut shown = 0;
    for memory in memories {
        let line = format!("[{}] {}\n", shown + 1, memory.content.replace('\n', " "));
        if model.count_tokens(&material) + model.count_tokens(&line) > room {
            break;
        }
        material.push_str(&line);
        shown += 1;
    }
    let shown = &memories[..shown];
    if !profile.self_introduction.is_empty() {
        let _ = write!(material, "\nHow {} introduces themselves:\n{}", profile.name, profile.self_introduction);
    }
    let question = Question {
        instructions: &instructions(&profile.name),
        examples: &[example(&material)],
        material: &material,
        schema: schema(shown.len()),
        max_tokens: ANSWER_TOKENS,
    };
    let answer = ask::json(app, question).await?;
    let answer: Answer = serde_json::from_value(answer)
        .map_err(|_| NoAnswer::Failed("the answer has not the shape asked for".into()))?;
    Ok(checked(answer, shown, profile))
}

fn instructions(name: &str) -> String {
    format!(
        "Write the portrait of {name}: who they are, how they live, what they like, whom they are close to, how they speak. Write \
         three to eight short sentences in the first person, as {name} would, in the language of most memories and close to \
         their words. Say only what the memories say; leave out what is trivial. `from`: the numbers of the memories behind a \
         sentence.\n\
         Also name up to four interests that several memories show: a `name` of one or two words, a `description` of one \
         sentence in the first person, and the memories behind it in `from`."
    )
}

/// Memories and the portrait made of them, in the language of the material.
fn example(material: &str) -> (String, Value) {
    let (memories, sentences, interest) = if ask::is_chinese(material.chars()) {
        (
            "Memories:\n[1] 小米的姐姐小乔搬到了昆明，小米每个月都飞过去看她。\n[2] 小米和小乔一起烤面包。\n[3] 小米周末自己烤面包。\n",
            ["我的姐姐小乔搬到了昆明，我每个月都飞过去看她。", "我周末自己烤面包，也和小乔一起烤。"],
            ("烤面包", "我周末自己烤面包。"),
        )
    } else {
        (
            "Memories:\n[1] Mia's sister Jo moved to Bergen; Mia flies there every month.\n[2] Mia bakes rye bread with Jo.\n\
             [3] Mia bakes bread on Sundays.\n",
            [
                "My sister Jo moved to Bergen, and I fly there every month.",
                "I bake bread on Sundays, and rye bread with Jo.",
            ],
            ("Baking", "I bake bread on Sundays."),
        )
    };
    let [first, second] = sentences;
    let answer = json!({
        "sentences": [{"from": [1], "text": first}, {"from": [2, 3], "text": second}],
        "interests": [{"from": [2, 3], "name": interest.0, "description": interest.1}],
    });
    (memories.to_owned(), answer)
}

fn schema(memories: usize) -> Value {
    let from = json!({"type": "array", "minItems": 1, "maxItems": 6,
                      "items": {"type": "integer", "minimum": 1, "maximum": memories.max(1)}});
    json!({
        "type": "object", "additionalProperties": false, "required": ["sentences", "interests"],
        "properties": {
            "sentences": {"type": "array", "maxItems": 8, "items": {
                "type": "object", "additionalProperties": false, "required": ["from", "text"],
                "properties": {"from": from, "text": {"type": "string", "minLength": 2, "maxLength": 240}},
            }},
            "interests": {"type": "array", "maxItems": 4, "items": {
                "type": "object", "additionalProperties": false, "required": ["from", "name", "description"],
                "properties": {"from": from, "name": {"type": "string", "minLength": 2, "maxLength": 30},
                               "description": {"type": "string", "minLength": 2, "maxLength": 200}},
            }},
        },
    })
}

/// Keeps what the named memories say.
fn checked(answer: Answer, memories: &[KeyMemory], profile: &Profile) -> Draft {
    let named =
        |from: &[usize]| -> Vec<&KeyMemory> { from.iter().filter_map(|n| memories.get(n.checked_sub(1)?)).collect() };
    let name = Bag::of(&profile.name);
    let said = |text: &str, from: &[usize]| {
        let mut bag = Bag::of(&profile.self_introduction);
        for memory in named(from) {
            bag.extend(&Bag::of(&memory.content));
        }
        let text = Bag::of(text).without(&name);
        !text.is_empty() && text.covered_by(&bag) >= SUPPORT
    };
    let mut draft = Draft::default();
    for sentence in answer.sentences.into_iter().filter(|s| !named(&s.from).is_empty() && said(&s.text, &s.from)) {
        let text = sentence.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !draft.sentences.contains(&text) {
            draft.sentences.push(text);
        }
    }
    for tag in answer.interests.into_iter().filter(|tag| said(&tag.description, &tag.from)) {
        let mut memories: Vec<i64> = named(&tag.from).iter().map(|memory| memory.id).collect();
        memories.sort_unstable();
        memories.dedup();
        if memories.len() >= 2 {
            let (name, description) = (tag.name.trim().to_owned(), tag.description.trim().to_owned());
            draft.interests.push(Interest { name, description, memories });
        }
    }
    draft
}
