//! `[avatars]`: limits of avatars, their keys, exports and evaluations.

use super::section::section;

section! {
    /// Avatars: their limits, keys, statistics, exports and evaluations.
    Avatars {
        /// Most avatars of one user, the primary one included.
        per_user_max: i64 = 100,
        /// Longest title, in characters.
        title_max_chars: usize = 100,
        /// Longest definition (`scenarioPrompt`), in characters.
        scenario_prompt_max_chars: usize = 40_000,
        /// Longest `opening` and `welcomeNote`, in characters.
        greeting_max_chars: usize = 4_000,
        /// Largest `material`, in characters of JSON.
        material_max_chars: usize = 20_000,
        /// Most `relatedNoteIds` of an avatar.
        related_notes_max: usize = 50,
        /// Most skills of an avatar, and most custom skills of a user.
        skills_max: usize = 50,
        /// Longest text of a custom skill, in characters.
        skill_max_chars: usize = 20_000,
        /// Most API keys of one avatar. Some clients make a new one at every login.
        keys_max: i64 = 1_000,
        /// The time zone of dashboards and exports that name none.
        time_zone: String = "Asia/Shanghai".to_owned(),
        /// How far back the export of conversations goes, in days.
        export_days: i64 = 30,
        /// Most messages in one export; what is older is left out, and the export marked `truncated`.
        export_max_messages: i64 = 50_000,
        /// Most bytes of messages in one export; what is older is left out, and the export marked `truncated`.
        export_max_bytes: usize = 32 * 1024 * 1024,
        /// How long a download link works, in seconds.
        export_link_seconds: i64 = 1_800,
        /// How long an exported file is kept, in seconds; new links to it can be had meanwhile.
        export_keep_seconds: i64 = 86_400,
        /// How far back dashboards go, in days; what is older is no longer counted.
        traffic_days: i64 = 800,
        /// How long the report page of an evaluation can be read, in seconds.
        report_seconds: i64 = 2_592_000,
        /// Evaluations that one user may start within 24 hours.
        evaluations_per_day: i64 = 20,
        /// Most tokens of one answer in an evaluation.
        evaluation_max_tokens: u32 = 400,
    }
}
