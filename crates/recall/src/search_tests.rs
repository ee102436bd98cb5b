use super::*;
use crate::calendar::DAY;
use crate::{Code, Item};
use proptest::prelude::*;

fn item<'a>(id: i64, speaker: &'a str, text: &'a str) -> Item<'a> {
    let at = 1_680_000_000_000 + id * 3 * DAY;
    Item { id, text, speaker: Some(speaker), conversation: Some("one"), position: id, at, importance: 0.5, kind: 0 }
}

fn question(text: &str) -> Question<'_> {
    Question { text, vector: None, now: 1_690_000_000_000, limit: 10, kinds: 0, except: None }
}

fn found(image: &Image, text: &str) -> Vec<i64> {
    image.search(&question(text)).iter().map(|f| f.id).collect()
}

#[test]
fn the_answer_beside_the_question_is_found() {
    let mut image = Image::default();
    for (id, text) in [(1, "Nice weather today"), (2, "What is your dog called?"), (3, "Rex!"), (4, "Bye for now")] {
        image.put(&item(id, if id % 2 == 0 { "Mel" } else { "Ada" }, text));
    }
    let hits = found(&image, "What is the dog called?");
    assert_eq!(hits[0], 2);
    assert!(hits[1..3].contains(&3), "{hits:?}");
}

#[test]
fn a_name_in_the_question_prefers_what_that_person_said() {
    let mut image = Image::default();
    image.put(&Item { conversation: Some("a"), ..item(1, "Ada", "I love pottery so much") });
    image.put(&Item { conversation: Some("b"), ..item(2, "Melanie", "I love pottery so much") });
    assert_eq!(found(&image, "What did Mel say about pottery?")[0], 2);
    assert_eq!(found(&image, "What did Ada say about pottery?")[0], 1);
}

#[test]
fn a_date_in_the_question_prefers_that_time() {
    let mut image = Image::default();
    for (id, at) in [(1, "2023-05-10"), (2, "2023-06-10"), (3, "2023-07-10")] {
        let at = crate::dates::spans(at, 0)[0].from;
        image.put(&Item { at, conversation: None, ..item(id, "Ada", "we went hiking") });
    }
    assert_eq!(found(&image, "Where did we go hiking in June 2023?")[0], 2);
    assert_eq!(found(&image, "hiking last May")[0], 1);
}

#[test]
fn meaning_finds_what_words_do_not() {
    let mut image = Image::default();
    image.put(&item(1, "Ada", "my child starts school"));
    image.put(&Item { conversation: Some("b"), ..item(2, "Ada", "the car is broken") });
    image.set_vector(1, &Code::of(&[1.0, 0.1, 0.0]));
    image.set_vector(2, &Code::of(&[0.0, 0.1, 1.0]));
    let vector = Code::of(&[0.9, 0.2, 0.1]);
    let asked = Question { vector: Some(&vector), ..question("kids education") };
    assert_eq!(image.search(&asked)[0].id, 1);
}

#[derive(Clone, Debug)]
enum Step {
    Put(i64, String, u8),
    Remove(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let word = prop::sample::select(vec!["tea", "milk", "bread", "tea milk", "bread tea"]);
    let put = (0i64..12, word, 0u8..3).prop_map(|(id, text, kind)| Step::Put(id, text.to_owned(), kind));
    prop::collection::vec(prop_oneof![3 => put, 1 => (0i64..12).prop_map(Step::Remove)], 0..40)
}

proptest! {
    /// However an image came about, it finds what is in it, and nothing that has gone, is of another kind, or is left out.
    #[test]
    fn exactly_what_is_there_is_found(steps in steps(), kinds in 0u32..8, except in any::<bool>()) {
        let mut image = Image::default();
        let mut there = std::collections::BTreeMap::new();
        for step in &steps {
            match step {
                Step::Put(id, text, kind) => {
                    let conversation = if id % 2 == 0 { Some("even") } else { None };
                    image.put(&Item { kind: *kind, conversation, ..item(*id, "Ada", text) });
                    there.insert(*id, (text.clone(), *kind));
                }
                Step::Remove(id) => {
                    image.remove(*id);
                    there.remove(id);
                }
            }
        }
        prop_assert_eq!(image.len(), there.len());
        let asked = Question { kinds, except: except.then_some("even"), limit: 100, ..question("tea") };
        let mut found: Vec<i64> = image.search(&asked).iter().map(|f| f.id).collect();
        found.sort_unstable();
        let wanted = |id: i64, kind: u8| (kinds == 0 || kinds & (1 << kind) != 0) && !(except && id % 2 == 0);
        for id in &found {
            prop_assert!(there.get(id).is_some_and(|(_, kind)| wanted(*id, *kind)), "{id} has gone or is not wanted");
        }
        for (id, (text, kind)) in &there {
            let expected = text.contains("tea") && wanted(*id, *kind);
            prop_assert!(!expected || found.contains(id), "{id} was not found");
        }
        prop_assert!(found.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
