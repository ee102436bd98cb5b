//! What was said before a message, as the model sees it: each answer after its question, also when several were asked in a row.

use std::collections::HashMap;

use secondme_llm::Role;
use secondme_store::Tx;

use super::store::{self, Said};
use crate::chat::prompt::Past;
use crate::error::Result;

/// Messages that are loaded at most, and the step in which the first one moves: the beginning of a prompt stays the same for
/// many turns.
const WINDOW: i64 = 300;
const STEP: i64 = 100;

/// What was said before the message `id`.
pub(super) async fn load(tx: &mut Tx, session_id: &str, id: i64) -> Result<Vec<Past>> {
    let count = store::message_count(tx, session_id).await?;
    let skip = ((count - WINDOW).max(0) + STEP - 1) / STEP * STEP;
    Ok(in_order(store::said(tx, session_id, skip, WINDOW + STEP).await?, id))
}

fn in_order(said: Vec<Said>, before: i64) -> Vec<Past> {
    let asked: Vec<String> = said.iter().filter_map(|s| s.reply_id.clone()).collect();
    let mut answers: HashMap<String, String> = said
        .iter()
        .filter(|s| s.author == "avatar" && asked.contains(&s.message_id))
        .map(|s| (s.message_id.clone(), s.content.clone()))
        .collect();
    let past = |role, text| Past { role, text, images: Vec::new() };
    let mut out = Vec::new();
    for one in said {
        match one.author.as_str() {
            "visitor" if one.id < before && one.state != "waiting" => {
                out.push(past(Role::User, one.content));
                out.extend(one.reply_id.and_then(|id| answers.remove(&id)).map(|text| past(Role::Assistant, text)));
            }
            "avatar" if asked.contains(&one.message_id) => {}
            "avatar" | "owner" if one.id < before => out.push(past(Role::Assistant, one.content)),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(id: i64, author: &str, content: &str, state: &str, reply: Option<&str>) -> Said {
        let message_id = format!("m{id}");
        let (author, content, state) = (author.into(), content.into(), state.into());
        Said { id, message_id, author, content, state, reply_id: reply.map(str::to_owned) }
    }

    #[test]
    fn answers_follow_their_questions() {
        let all = vec![
            said(1, "visitor", "one?", "answered", Some("m4")),
            said(2, "visitor", "two?", "answered", Some("m5")),
            said(3, "visitor", "three?", "waiting", Some("m9")),
            said(4, "avatar", "one.", "complete", None),
            said(5, "avatar", "two.", "complete", None),
            said(6, "owner", "by the way", "complete", None),
            said(7, "visitor", "four?", "waiting", None),
        ];
        let texts = |before| in_order(all.clone(), before).into_iter().map(|p| p.text).collect::<Vec<_>>();
        assert_eq!(texts(3), ["one?", "one.", "two?", "two."]);
        assert_eq!(texts(7), ["one?", "one.", "two?", "two.", "by the way"]);
    }
}
