//! `[plaza]` and `[social]`: invitations, limits of posts and comments, the feed, friends and discovery.

use super::section::section;

section! {
    /// The plaza: invitations, posts, comments, feed.
    Plaza {
        /// Invitation codes that a certificate holder may make at first.
        codes_at_first: i64 = 2,
        /// So many redeemed codes earn one more; 0: none are earned.
        redeemed_per_code: i64 = 2,
        /// Unknown codes that a user may try within an hour.
        redeem_failures_per_hour: i64 = 10,
        /// Longest post, in characters.
        post_max_chars: usize = 5_000,
        /// Most pictures, and most stickers, of a post.
        pictures_max: usize = 9,
        /// Longest address, in characters.
        url_max_chars: usize = 2_000,
        /// Longest title, description or name beside a post, in characters.
        caption_max_chars: usize = 500,
        /// Longest `linkMeta.textContent`, in characters.
        link_text_max_chars: usize = 5_000,
        /// Longest comment, in characters.
        comment_max_chars: usize = 2_000,
        /// Longest reason of a report, in characters.
        reason_max_chars: usize = 1_000,
        /// Longest keyword of a search, in characters.
        keyword_max_chars: usize = 200,
        /// Posts that the featured feed ranks.
        featured_max: usize = 1_000,
        /// Posts of one author among them.
        featured_per_author: usize = 3,
        /// The featured feed is ranked anew when the last ranking is older than this, in seconds.
        featured_seconds: i64 = 60,
        /// A ranking is kept this long for those who are paging through it, in seconds.
        ranking_keep_seconds: i64 = 7_200,
        /// Matches of a search that are counted for `total`; further ones can be paged to.
        search_count_max: i64 = 1_000,
        /// Longest wait for a linked page, in seconds.
        preview_seconds: u64 = 10,
        /// What is read of a linked page, in bytes.
        preview_max_bytes: usize = 1024 * 1024,
        /// Whether linked pages may lie in private networks: for development.
        previews_may_be_private: bool = false,
        /// Memories that a drafted reply may draw on.
        draft_memories: usize = 6,
        /// Most tokens of a drafted reply.
        draft_max_tokens: u32 = 300,
    }
}

section! {
    /// Friends and discovery.
    Social {
        /// Longest greeting, in characters.
        greeting_max_chars: usize = 500,
        /// Longest message to a friend, in characters.
        message_max_chars: usize = 5_000,
        /// Largest `sourceData`, in bytes of JSON.
        source_data_max_bytes: usize = 4_096,
        /// Invitations of one user that may wait for an answer.
        pending_invitations_max: i64 = 200,
        /// A rejected invitation can be sent again after this many seconds.
        invite_again_seconds: i64 = 604_800,
        /// Most tokens of an opener.
        opener_max_tokens: u32 = 200,
        /// People that a discovery ranks: those who share most topics, then those who were here last.
        candidates_max: i64 = 500,
        /// A shared place counts for so long, in seconds.
        place_seconds: i64 = 2_592_000,
        /// `searchRadius`, in kilometres: who is nearer gets points for it.
        radius_km: f64 = 50.0,
    }
}
