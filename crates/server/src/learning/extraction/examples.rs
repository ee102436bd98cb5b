//! Conversations that have been read, as examples: without them models of a billion parameters write down nothing. They are in
//! the language of the owner, since small models answer in the language of the examples.

use serde_json::{Value, json};

use super::{Speaker, Transcript};
use crate::learning::ask::is_chinese;

/// One that has something to learn and one that has nothing, in the language that the owner used.
pub(super) fn about_owner(transcript: &Transcript) -> Vec<(String, Value)> {
    let said = transcript.lines.iter().filter(|line| line.speaker == Speaker::Owner);
    if is_chinese(said.flat_map(|line| line.text.chars())) { chinese() } else { english() }
}

fn memory(from: usize, content: &str, kind: &str, actor: &str, object: &str) -> Value {
    json!({"from": [from], "content": content, "kind": kind, "actor": actor, "object": object, "replaces": [], "since": "", "sure": 90})
}

fn english() -> Vec<(String, Value)> {
    let something = "Conversation:\n[1] Mia: Morning! My sister Jo moved to Bergen last spring, so I fly there every month.\n\
                     [2] Avatar: What do you do there?\n[3] Mia: We bake rye bread. I can't eat nuts, and please be brief with me.";
    let learned = json!({"memories": [
        memory(1, "Mia's sister Jo moved to Bergen; Mia flies there every month.", "RELATION", "Jo", "sister"),
        memory(3, "Mia bakes rye bread with Jo.", "FACT", "Mia", "baking"),
        memory(3, "Mia can't eat nuts.", "FACT", "Mia", "allergy"),
        memory(3, "Mia wants answers to be brief.", "STYLE", "Mia", "answers"),
    ]});
    let nothing =
        "Conversation:\n[1] Mia: Hi, how far is the moon?\n[2] Avatar: 384,000 kilometres.\n[3] Mia: ok, thanks!";
    vec![(something.to_owned(), learned), (nothing.to_owned(), json!({"memories": []}))]
}

fn chinese() -> Vec<(String, Value)> {
    let something = "Conversation:\n[1] 小米: 早！我姐姐小乔去年春天搬到了昆明，我每个月都飞过去看她。\n[2] Avatar: 你们一起做什么？\n\
                     [3] 小米: 一起烤面包。我不能吃花生，还有，跟我说话请简短一点。";
    let learned = json!({"memories": [
        memory(1, "小米的姐姐小乔搬到了昆明，小米每个月都飞过去看她。", "RELATION", "小乔", "姐姐"),
        memory(3, "小米和小乔一起烤面包。", "FACT", "小米", "烤面包"),
        memory(3, "小米不能吃花生。", "FACT", "小米", "过敏"),
        memory(3, "跟小米说话要简短一点。", "STYLE", "小米", "说话"),
    ]});
    let nothing = "Conversation:\n[1] 小米: 你好，月亮有多远？\n[2] Avatar: 三十八万公里。\n[3] 小米: 好的，谢谢！";
    vec![(something.to_owned(), learned), (nothing.to_owned(), json!({"memories": []}))]
}
