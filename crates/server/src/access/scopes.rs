//! The scopes, listed once, with both generations of names (contract 1.6).

use crate::error::{ApiError, Code, Result};

macro_rules! scopes {
    ($( $name:ident = $text:literal, $en:literal, $zh:literal; )*) => {
        /// What a token may do. The names are those of the second generation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "each scope carries its sentence in the table")]
        pub enum Scope { $( $name, )* }

        impl Scope {
            /// All scopes, in the order of the documents.
            pub const ALL: &'static [Scope] = &[ $( Scope::$name, )* ];

            /// The name in requests and answers.
            pub fn name(self) -> &'static str {
                match self { $( Scope::$name => $text, )* }
            }

            /// What it lets an app do, in words for the consent page: English, Chinese.
            pub fn words(self) -> (&'static str, &'static str) {
                match self { $( Scope::$name => ($en, $zh), )* }
            }
        }
    };
}

scopes! {
    UserInfo = "userinfo", "See your name, e-mail address, picture, introduction and interest tags", "查看你的姓名、邮箱、头像、简介和兴趣标签";
    MemoryRead = "memory.read", "Search your key memories", "检索你的关键记忆";
    MemoryWrite = "memory.write", "Add, change and delete key memories", "新增、修改和删除关键记忆";
    ChatRead = "chat.read", "See your chat sessions and their messages", "查看你的会话列表和消息记录";
    ChatWrite = "chat.write", "Talk to your avatar and ask it for judgements", "与你的分身对话并请求其判断";
    NoteWrite = "note.write", "Add, find, change and delete notes", "新增、查找、修改和删除笔记";
    Voice = "voice", "Speak with your avatar's voice", "使用你的分身语音";
    PlazaRead = "plaza.read", "Read the plaza's feed, posts and comments", "浏览广场的动态、帖子和评论";
    PlazaWrite = "plaza.write", "Post and comment on the plaza in your name", "以你的名义在广场发帖和评论";
    AgentMemory = "agent_memory", "Report what you did in the app, and read these reports", "上报并读取你在该应用中的活动";
    AvatarRead = "avatar.read", "See your avatars and their statistics", "查看你的分身及其数据";
    AvatarWrite = "avatar.write", "Create and change avatars and their keys", "创建和修改分身及其密钥";
    FriendRead = "friend.read", "See your friends", "查看你的好友";
    FriendWrite = "friend.write", "Invite and answer friends in your name", "以你的名义邀请和回应好友";
    Discover = "discover", "Find people like you", "发现与你相似的人";
    Activity = "activity", "See the overview of your days", "查看你的每日活动概览";
    Developer = "developer", "Manage your applications and integrations", "管理你的应用和集成";
}

impl Scope {
    /// Whether a name is of the first generation and not also of the second.
    pub fn is_old_name(name: &str) -> bool {
        name.starts_with("user.info") || matches!(name, "chat" | "note.add")
    }

    /// The scopes a name of either generation stands for; none when it is unknown.
    pub fn parse(name: &str) -> &'static [Scope] {
        match name {
            "user.info" | "user.info.shades" | "user.info.name" => &[Scope::UserInfo],
            "user.info.softmemory" => &[Scope::MemoryRead],
            "chat" => &[Scope::ChatRead, Scope::ChatWrite],
            "note.add" => &[Scope::NoteWrite],
            _ => match Scope::ALL.iter().position(|s| s.name() == name) {
                Some(at) => &Scope::ALL[at..=at],
                None => &[],
            },
        }
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(u32);

impl ScopeSet {
    /// Every scope: what personal tokens hold.
    pub fn all() -> Self {
        Scope::ALL.iter().copied().collect()
    }

    /// Whether the set has this scope.
    pub fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u32) != 0
    }

    /// Whether every scope of `other` is in this set.
    pub fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The scopes, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |s| self.has(*s))
    }

    /// Both sets together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, s| set | 1 << s as u32))
    }
}

/// Scopes as they were spelled, which answers echo, and the set they stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requested {
    /// The names as given, without repetition.
    pub names: Vec<String>,
    /// What they stand for.
    pub set: ScopeSet,
}

impl Requested {
    /// Splits on white space, comma and plus (HOUSE-RULES "Scopes").
    ///
    /// # Errors
    /// `oauth2.scope.invalid` on a name of neither generation.
    pub fn parse(text: &str) -> Result<Self> {
        Self::from_names(text.split(|c: char| c.is_whitespace() || c == ',' || c == '+').filter(|s| !s.is_empty()))
    }

    /// From a list of names; entries may themselves be joined.
    ///
    /// # Errors
    /// `oauth2.scope.invalid` on a name of neither generation.
    pub fn from_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self> {
        let mut this = Self::default();
        for name in names {
            let scopes = Scope::parse(name);
            if scopes.is_empty() {
                return Err(ApiError::new(Code::ScopeInvalid).arg(name));
            }
            if !this.names.iter().any(|n| n == name) {
                this.names.push(name.to_owned());
            }
            this.set = this.set.union(scopes.iter().copied().collect());
        }
        Ok(this)
    }

    /// Every scope by its own name.
    pub fn all() -> Self {
        Self { names: Scope::ALL.iter().map(|s| s.name().to_owned()).collect(), set: ScopeSet::all() }
    }

    /// What is left when the user refuses some of it. A name that stands for more than was refused gives way to the names of
    /// what is left of it.
    #[must_use]
    pub fn without(&self, refused: ScopeSet) -> Self {
        let kept = |name: &String| {
            let scopes = Scope::parse(name);
            let left: Vec<String> = scopes.iter().filter(|s| !refused.has(**s)).map(|s| s.name().to_owned()).collect();
            if left.len() == scopes.len() { vec![name.clone()] } else { left }
        };
        let mut names: Vec<String> = Vec::new();
        for name in self.names.iter().flat_map(kept) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Self { names, set: self.set.iter().filter(|s| !refused.has(*s)).collect() }
    }

    /// The names as one text, as the database keeps them.
    pub fn joined(&self) -> String {
        self.names.join(" ")
    }

    /// Refuses scopes that `allowed` does not cover, naming the first.
    ///
    /// # Errors
    /// `oauth2.scope.disallowed`.
    pub fn within(&self, allowed: ScopeSet) -> Result<()> {
        match self.names.iter().find(|n| !allowed.covers(Scope::parse(n).iter().copied().collect())) {
            Some(name) => Err(ApiError::new(Code::ScopeDisallowed).arg(name)),
            None => Ok(()),
        }
    }
}

/// The table of scopes as Markdown (`secondme docs scopes`).
pub fn markdown() -> String {
    let mut out = String::from(
        "# Scopes\n\nGenerated by `secondme docs scopes`. The v1 names (`user.info`, `user.info.shades`, \
         `user.info.softmemory`, `note.add`, `chat`) are accepted everywhere and echoed as requested.\n\n\
         | scope | lets an app |\n|---|---|\n",
    );
    for scope in Scope::ALL {
        out.push_str(&format!("| `{}` | {} |\n", scope.name(), scope.words().0));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_generations_mean_the_same() {
        let old = Requested::parse("user.info,user.info.softmemory+chat note.add voice").unwrap();
        let new = Requested::parse("userinfo memory.read chat.read chat.write note.write voice").unwrap();
        assert_eq!(old.set, new.set);
        assert_eq!(old.joined(), "user.info user.info.softmemory chat note.add voice");
        let error = Requested::parse("userinfo profile:read").unwrap_err();
        assert_eq!(error.code(), Code::ScopeInvalid);
    }

    #[test]
    fn what_is_refused_is_gone_whatever_it_was_called() {
        let asked = Requested::parse("user.info chat chat.write voice").unwrap();
        let left = asked.without([Scope::ChatRead, Scope::Voice].into_iter().collect());
        assert_eq!(left.joined(), "user.info chat.write");
        assert_eq!(left.set, Requested::parse(&left.joined()).unwrap().set);
        assert_eq!(asked.without(ScopeSet::default()), asked);
    }

    #[test]
    fn a_scope_outside_the_allowed_ones_is_named() {
        let allowed = Requested::parse("chat userinfo").unwrap().set;
        assert!(Requested::parse("chat.write user.info.shades").unwrap().within(allowed).is_ok());
        let error = Requested::parse("userinfo voice").unwrap().within(allowed).unwrap_err();
        assert!(error.message(crate::error::Lang::En).contains("voice"));
    }

    proptest! {
        #[test]
        fn the_joined_form_parses_back(picks in proptest::collection::vec(0..Scope::ALL.len(), 0..20)) {
            let names: Vec<&str> = picks.iter().map(|i| Scope::ALL[*i].name()).collect();
            let requested = Requested::from_names(names).unwrap();
            prop_assert_eq!(Requested::parse(&requested.joined()).unwrap(), requested);
        }
    }
}
