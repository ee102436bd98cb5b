//! The feed (contract 13.6): orders, filters, search, counts, and pages that follow each other exactly.

use std::collections::BTreeSet;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use secondme_store::{params, sql};
use serde_json::{Value, json};

use crate::harness::{ADA, LIN, TestDb, World, both, data, refused};
use crate::plaza::{publish, resident};

async fn feed(world: &World, token: &str, query: &str) -> Value {
    data(world.get(&format!("secondme/plaza/feed?{query}"), token).await)
}

fn ids(feed: &Value) -> Vec<String> {
    feed["items"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap().to_owned()).collect()
}

async fn befriend(world: &World, inviter: &str, guest: &str, inviter_id: i64, guest_id: i64) {
    data(world.post("secondme/friend/invite/send", inviter, &json!({"targetUserId": guest_id.to_string()})).await);
    let answer = json!({"targetUserId": inviter_id.to_string(), "action": "ACCEPTED"});
    data(world.post("secondme/friend/invite/handle", guest, &answer).await);
}

both! {
    async fn the_timeline_is_everybodys_newest_first_with_counts(db: TestDb) {
        let world = World::new(db).await;
        let mut made = Vec::new();
        for (n, kind) in ["discussion", "ama", "info", "ama"].into_iter().enumerate() {
            made.push(publish(&world, if n % 2 == 0 { ADA } else { LIN }, json!({"content": n.to_string(), "contentType": kind})).await);
        }
        made.reverse();
        let all = feed(&world, ADA, "sortMode=timeline").await;
        assert_eq!(ids(&all), made);
        assert_eq!((all["total"].as_i64(), all["page"].as_i64(), all["pageSize"].as_i64(), all["hasMore"].as_bool()), (Some(4), Some(1), Some(20), Some(false)));
        assert_eq!(all["contentTypeCounts"], json!({"discussion": 1, "ama": 2, "info": 1}));
        let keys: Vec<&String> = all.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["items", "total", "page", "pageSize", "hasMore", "contentTypeCounts", "nextCursor"]);
        let ama = feed(&world, ADA, "sortMode=timeline&type=ama&pageNo=1&page_size=1").await;
        assert_eq!((ids(&ama), ama["total"].as_i64(), ama["hasMore"].as_bool()), (vec![made[0].clone()], Some(2), Some(true)));
        assert_eq!(ama["contentTypeCounts"]["info"], 1, "the other kinds are still counted");
        assert_eq!(ids(&feed(&world, ADA, "sortMode=timeline&type=public").await).len(), 4);
        let lin = feed(&world, ADA, "sortMode=timeline&circleRoute=lin").await;
        assert_eq!((ids(&lin), lin["total"].as_i64()), (vec![made[0].clone(), made[2].clone()], Some(2)));
        assert_eq!(feed(&world, ADA, "circleRoute=nobody").await["total"], 0);
        for bad in ["sortMode=best", "type=poem", "cursor=x", "page=one", &format!("keyword={}", "x".repeat(201))] {
            refused(&world.get(&format!("secondme/plaza/feed?{bad}"), ADA).await, 400, "invalid.param");
        }
    }

    async fn without_a_sort_it_is_the_feed_of_friends(db: TestDb) {
        let world = World::new(db).await;
        let eve = resident(&world, "Eve").await;
        let of_lin = publish(&world, LIN, json!({"content": "from a friend", "contentType": "info"})).await;
        let of_eve = publish(&world, &eve.token, json!({"content": "from a stranger"})).await;
        assert_eq!(ids(&feed(&world, ADA, "").await), [of_eve.clone(), of_lin.clone()], "without friends: the timeline");
        befriend(&world, ADA, LIN, 1, 2).await;
        let friends = feed(&world, ADA, "").await;
        assert_eq!((ids(&friends), friends["total"].as_i64()), (vec![of_lin.clone()], Some(1)));
        assert_eq!(friends["contentTypeCounts"], json!({"discussion": 0, "ama": 0, "info": 1}));
        assert!(ids(&feed(&world, ADA, "type=ama").await).is_empty());
        assert_eq!(ids(&feed(&world, ADA, "sortMode=timeline").await).len(), 2);
        data(world.post("secondme/friend/block", ADA, &json!({"friendId": "2"})).await);
        assert!(ids(&feed(&world, ADA, "").await).is_empty(), "who is blocked is not heard");
        data(world.post("secondme/friend/block", ADA, &json!({"friendId": 2, "blocked": false})).await);
        let next = publish(&world, LIN, json!({"content": "again"})).await;
        let page = feed(&world, ADA, "pageSize=1").await;
        assert_eq!((ids(&page), page["hasMore"].as_bool()), (vec![next], Some(true)));
        assert_eq!(ids(&feed(&world, ADA, "pageSize=1&page=2").await), [of_lin]);
    }

    async fn more_friends_than_a_page_has_posts(db: TestDb) {
        let world = World::new(db).await;
        let mut friends = Vec::new();
        for n in 0..7 {
            let friend = resident(&world, &format!("friend{n}")).await;
            befriend(&world, ADA, &friend.token, 1, friend.id).await;
            friends.push(friend.token);
        }
        // One was loud long ago, one speaks all the time, one never.
        let mut made: Vec<(String, &str)> = Vec::new();
        for (n, who) in [1, 1, 1, 1, 2, 3, 2, 4, 2, 5, 2, 6, 6, 2].into_iter().enumerate() {
            let kind = ["discussion", "ama"][n % 2];
            let post = json!({"content": n.to_string(), "contentType": kind});
            made.push((publish(&world, &friends[who], post).await, kind));
        }
        made.reverse();
        for kind in ["", "ama"] {
            let expected: Vec<&String> = made.iter().filter(|(_, of)| kind.is_empty() || *of == kind).map(|(id, _)| id).collect();
            let (mut by_cursor, mut by_page, mut cursor) = (Vec::new(), Vec::new(), String::new());
            for page in 1..=expected.len().div_ceil(2) {
                let next = feed(&world, ADA, &format!("pageSize=2&type={kind}&cursor={cursor}")).await;
                by_cursor.extend(ids(&next));
                cursor = next["nextCursor"].as_str().unwrap_or_default().to_owned();
                by_page.extend(ids(&feed(&world, ADA, &format!("pageSize=2&type={kind}&page={page}")).await));
            }
            assert_eq!((by_cursor.iter().collect::<Vec<_>>(), cursor.as_str()), (expected.clone(), ""), "{kind}");
            assert_eq!(by_page.iter().collect::<Vec<_>>(), expected, "{kind}");
        }
    }

    async fn featured_is_what_others_care_about_not_the_newest(db: TestDb) {
        let world = World::new(db).await;
        let loved = publish(&world, ADA, json!({"content": "loved"})).await;
        world.clock.advance(3_600_000);
        let own = publish(&world, ADA, json!({"content": "self-praise", "contentType": "info"})).await;
        let newest = publish(&world, LIN, json!({"content": "newest"})).await;
        data(world.post(&format!("secondme/plaza/posts/{loved}/like"), LIN, &json!({})).await);
        data(world.post("secondme/plaza/posts/comment", LIN, &json!({"postId": loved, "content": "!"})).await);
        data(world.post(&format!("secondme/plaza/posts/{own}/like"), ADA, &json!({})).await);
        let featured = feed(&world, LIN, "sortMode=featured").await;
        assert_eq!(ids(&featured), [loved.clone(), newest.clone(), own.clone()], "one's own like counts for nothing");
        assert_eq!((featured["total"].as_i64(), &featured["contentTypeCounts"]), (Some(3), &json!({"discussion": 2, "ama": 0, "info": 1})));
        assert_eq!(ids(&feed(&world, LIN, "sortMode=featured&type=info").await), std::slice::from_ref(&own));
        assert_eq!(ids(&feed(&world, LIN, "sortMode=featured&keyword=loved").await), std::slice::from_ref(&loved));
        assert_eq!(ids(&feed(&world, LIN, "sortMode=featured&circleRoute=ada").await), [loved.clone(), own.clone()]);
        // Half a day makes up for one doubling; the ranking is a minute old at most.
        world.clock.advance(3 * 86_400_000);
        let later = publish(&world, LIN, json!({"content": "three days later"})).await;
        assert_eq!(ids(&feed(&world, LIN, "sortMode=featured").await)[0], later);
        assert_eq!(ids(&feed(&world, LIN, "sortMode=timeline").await)[1], newest);
    }

    async fn a_ranking_holds_for_those_who_page_through_it(db: TestDb) {
        let world = World::with_config(db, |c| c.plaza.featured_per_author = 100).await;
        let mut made = Vec::new();
        for n in 0..6 {
            world.clock.advance(1_000);
            made.push(publish(&world, ADA, json!({"content": n.to_string()})).await);
        }
        made.reverse();
        let first = feed(&world, LIN, "sortMode=featured&pageSize=2").await;
        assert_eq!(ids(&first), made[..2]);
        world.clock.advance(61_000);
        data(world.post(&format!("secondme/plaza/posts/{}/like", made[5]), LIN, &json!({})).await);
        assert_eq!(ids(&feed(&world, ADA, "sortMode=featured&pageSize=1").await), [made[5].clone()], "ranked anew for others");
        assert_eq!(ids(&feed(&world, LIN, "sortMode=featured&pageSize=2&page=2").await), made[2..4]);
        let third = feed(&world, LIN, "sortMode=featured&pageSize=2&page=3").await;
        assert_eq!((ids(&third), third["hasMore"].as_bool()), (made[4..].to_vec(), Some(false)));
        let cursor = first["nextCursor"].as_str().unwrap();
        assert_eq!(ids(&feed(&world, LIN, &format!("sortMode=featured&pageSize=2&cursor={cursor}")).await), made[2..4]);
        world.clock.advance(7_300_000);
        feed(&world, ADA, "sortMode=featured").await;
        let gone = world.get(&format!("secondme/plaza/feed?sortMode=featured&cursor={cursor}"), LIN).await;
        refused(&gone, 400, "invalid.param");
    }

    async fn words_are_found_in_english_and_chinese(db: TestDb) {
        let world = World::new(db).await;
        let bread = publish(&world, ADA, json!({"content": "I baked two loaves of rye bread", "topicTitle": "Baking"})).await;
        let lake = publish(&world, LIN, json!({"content": "周末在西湖边拍日出，人很少", "contentType": "info"})).await;
        let both = publish(&world, LIN, json!({"content": "Rye 面包和西湖"})).await;
        let found = |keyword: &'static str| {
            let world = &world;
            async move { ids(&feed(world, ADA, &format!("sortMode=timeline&keyword={keyword}")).await) }
        };
        assert_eq!(found("baking").await, std::slice::from_ref(&bread));
        assert_eq!(found("RYE").await, [both.clone(), bread.clone()]);
        assert_eq!(found("rye%20bread").await, std::slice::from_ref(&bread), "all words must appear");
        assert_eq!(found("the%20loaves").await, std::slice::from_ref(&bread));
        assert_eq!(found("西湖").await, [both.clone(), lake.clone()]);
        assert_eq!(found("西湖日出").await, std::slice::from_ref(&lake), "words that stand apart are found together");
        assert_eq!(found("苏州").await, Vec::<String>::new());
        assert_eq!(found("!!").await, Vec::<String>::new());
        assert_eq!(found("%22%20OR%20NOT%20(%27").await, Vec::<String>::new(), "no text is a query of the database");
        let counted = feed(&world, ADA, "keyword=%E8%A5%BF%E6%B9%96").await;
        assert_eq!((counted["total"].as_i64(), &counted["contentTypeCounts"]), (Some(2), &json!({"discussion": 1, "ama": 0, "info": 1})));
        assert_eq!(ids(&feed(&world, ADA, "keyword=%E8%A5%BF%E6%B9%96&type=info").await), std::slice::from_ref(&lake));
        assert_eq!(ids(&feed(&world, ADA, "keyword=rye&circleRoute=ada").await), std::slice::from_ref(&bread));
        data(world.post(&format!("secondme/plaza/posts/{both}/delete"), LIN, &json!({})).await);
        assert_eq!(found("西湖").await, [lake]);
    }

    async fn a_post_is_one_write_whatever_the_number_of_friends(db: TestDb) {
        let world = World::new(db).await;
        let rows = || async {
            let sql = sql!("SELECT (SELECT COUNT(*) FROM plaza_posts) AS posts, (SELECT COUNT(*) FROM plaza_post_counts) AS counts,
                (SELECT COUNT(*) FROM job) AS jobs, (SELECT COUNT(*) FROM plaza_ranked) AS ranked");
            let row = world.app.store().opt(sql, params![]).await.unwrap().unwrap();
            ["posts", "counts", "jobs", "ranked"].map(|name| row.get::<i64>(name).unwrap())
        };
        publish(&world, ADA, json!({"content": "before"})).await;
        let [posts, counts, jobs, ranked] = rows().await;
        for n in 0..12 {
            let friend = resident(&world, &format!("friend{n}")).await;
            befriend(&world, ADA, &friend.token, 1, friend.id).await;
        }
        publish(&world, ADA, json!({"content": "after"})).await;
        assert_eq!(rows().await, [posts + 1, counts, jobs, ranked]);
    }

    async fn pages_never_repeat_nor_miss_under_writes(db: TestDb) {
        let world = World::with_config(db, |c| c.plaza.featured_per_author = 1_000).await;
        let eve = resident(&world, "Eve").await;
        befriend(&world, ADA, LIN, 1, 2).await;
        befriend(&world, ADA, &eve.token, 1, eve.id).await;
        let mut runner = TestRunner::deterministic();
        for _ in 0..12 {
            let draw = (
                1usize..7, 0usize..5, proptest::bool::ANY,
                proptest::collection::vec((0u8..4, 0usize..40), 0..24),
            );
            let (size, kind, by_cursor, writes) = draw.new_tree(&mut runner).unwrap().current();
            walk(&world, &eve.token, size, kind, by_cursor, &writes).await;
        }
    }

    async fn walks_hold_while_others_write_at_the_same_time(db: TestDb) {
        let world = World::with_config(db, |c| c.plaza.featured_per_author = 1_000).await;
        befriend(&world, ADA, LIN, 1, 2).await;
        let mut there = Vec::new();
        for n in 0..30 {
            there.push(publish(&world, LIN, json!({"content": format!("rye {n}"), "contentType": "info"})).await);
        }
        there.reverse();
        // Every fifth goes away at a moment that nobody knows: it may be seen or not, the others must be.
        let doomed: Vec<String> = there.iter().step_by(5).cloned().collect();
        world.clock.advance(61_000);
        let done = std::sync::atomic::AtomicBool::new(false);
        let deleting = async {
            for id in &doomed {
                data(world.post(&format!("secondme/plaza/posts/{id}/delete"), LIN, &json!({})).await);
                tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            }
        };
        let reading = async {
            for query in WALKS {
                for by_cursor in [false, true] {
                    let seen = walked(&world, &format!("{query}&pageSize=4"), by_cursor).await;
                    let once: BTreeSet<&String> = seen.iter().collect();
                    assert_eq!(once.len(), seen.len(), "something was shown twice in {query:?}");
                    let sure = |id: &&String| there.contains(id) && !doomed.contains(id);
                    let (shown, expected): (Vec<_>, Vec<_>) = (seen.iter().filter(sure).collect(), there.iter().filter(sure).collect());
                    assert_eq!(shown, expected, "something was missed, or in another order, in {query:?}");
                }
            }
            done.store(true, std::sync::atomic::Ordering::Release);
        };
        let writing = |token: &'static str| {
            let (world, done) = (&world, &done);
            async move {
                while !done.load(std::sync::atomic::Ordering::Acquire) {
                    let id = publish(world, token, json!({"content": "new rye", "contentType": "info"})).await;
                    data(world.post("secondme/plaza/posts/comment", token, &json!({"postId": id, "content": "rye"})).await);
                    data(world.post(&format!("secondme/plaza/posts/{id}/delete"), token, &json!({})).await);
                    publish(world, token, json!({"content": "newer rye", "contentType": "info"})).await;
                }
            }
        };
        futures::join!(reading, deleting, writing(ADA), writing(LIN));
    }
}

/// Every kind of feed that is paged through.
const WALKS: [&str; 5] = ["sortMode=timeline", "", "keyword=rye", "sortMode=timeline&type=info", "sortMode=featured"];

/// What a reader sees from the first page to the last.
async fn walked(world: &World, query: &str, by_cursor: bool) -> Vec<String> {
    let (mut seen, mut place) = (Vec::new(), String::new());
    for page in 2.. {
        let shown = feed(world, ADA, &format!("{query}{place}")).await;
        seen.extend(ids(&shown));
        if shown["hasMore"] == false {
            break;
        }
        assert!(page < 500, "the walk does not end");
        place = match shown["nextCursor"].as_str() {
            Some(cursor) if by_cursor => format!("&cursor={cursor}"),
            _ => format!("&page={page}"),
        };
    }
    seen
}

/// Walks through a feed from its first to its last page while others write between the pages, and checks the law.
async fn walk(world: &World, eve: &str, size: usize, kind: usize, by_cursor: bool, writes: &[(u8, usize)]) {
    for n in 0..8 {
        publish(
            world,
            if n % 2 == 0 { LIN } else { eve },
            json!({"content": format!("rye {n}"), "contentType": "info"}),
        )
        .await;
    }
    world.clock.advance(61_000);
    let query = WALKS[kind];
    let there: Vec<String> = ids(&feed(world, ADA, &format!("{query}&pageSize=100")).await);
    let mut deleted = BTreeSet::new();
    let mut seen = Vec::new();
    let mut writes = writes.iter();
    let mut place = String::new();
    for page in 1.. {
        let shown = feed(world, ADA, &format!("{query}&pageSize={size}{place}")).await;
        seen.extend(ids(&shown));
        if shown["hasMore"] == false {
            break;
        }
        assert!(page < 200, "the walk does not end");
        place = match shown["nextCursor"].as_str() {
            Some(cursor) if by_cursor => format!("&cursor={cursor}"),
            _ => format!("&page={}", page + 1),
        };
        for (what, which) in writes.by_ref().take(2) {
            write(world, eve, *what, &there[which % there.len()], &mut deleted).await;
        }
    }
    let once: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(once.len(), seen.len(), "something was shown twice in {query:?}");
    let expected: Vec<&String> = there.iter().filter(|id| !deleted.contains(*id)).collect();
    let found: Vec<&String> = seen.iter().filter(|id| there.contains(id) && !deleted.contains(*id)).collect();
    assert_eq!(found, expected, "something was missed, or in another order, in {query:?} with {size} a page");
}

async fn write(world: &World, eve: &str, what: u8, id: &str, deleted: &mut BTreeSet<String>) {
    match what {
        0 => {
            for token in [LIN, eve] {
                let answer = world.post(&format!("secondme/plaza/posts/{id}/delete"), token, &json!({})).await;
                if answer.0.is_success() {
                    deleted.insert(id.to_owned());
                }
            }
        }
        1 => drop(world.post(&format!("secondme/plaza/posts/{id}/like"), ADA, &json!({})).await),
        2 => drop(world.post("secondme/plaza/posts/comment", ADA, &json!({"postId": id, "content": "rye"})).await),
        _ => drop(publish(world, LIN, json!({"content": "more rye", "contentType": "info"})).await),
    }
}
