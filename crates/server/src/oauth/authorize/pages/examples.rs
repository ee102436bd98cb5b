//! What an app will see or do with a scope, by example: the user's own words where the page has them.

use crate::access::Scope;
use crate::error::Lang;
use crate::users::accounts::Session;

/// One line below a scope's sentence.
pub(super) fn of(scope: Scope, session: &Session, lang: Lang) -> String {
    let (en, zh) = match scope {
        Scope::UserInfo => return format!("{} · {}", session.name, session.email),
        Scope::MemoryRead => {
            ("“My cat is called Babbage”, if your avatar remembers that", "例如分身记得的“我的猫叫巴贝奇”")
        }
        Scope::MemoryWrite => ("It may note “prefers window seats” about you", "例如记下你“喜欢靠窗的座位”"),
        Scope::ChatRead => ("What you and your avatar said in this app and in others", "你与分身在各应用中的对话内容"),
        Scope::ChatWrite => {
            ("“What would I cook tonight?”, answered as you would", "例如“今晚我会做什么菜？”由分身代你回答")
        }
        Scope::NoteWrite => ("It may save a recipe as a note, and find it again", "例如把一份菜谱存为笔记并再次找到它"),
        Scope::Voice => ("A greeting, spoken with the voice you chose", "例如用你选择的声音说一句问候"),
        Scope::PlazaRead => ("The newest posts, as you see them", "例如你看到的最新帖子"),
        Scope::PlazaWrite => ("A comment that stands there under your name", "例如以你的名字发表一条评论"),
        Scope::AgentMemory => ("“Finished level 4”, in your timeline", "例如时间线中的“完成了第 4 关”"),
        Scope::AvatarRead => ("How many people talked to your avatars this week", "例如本周有多少人与你的分身对话"),
        Scope::AvatarWrite => ("A new avatar that visitors can talk to", "例如创建一个访客可以对话的新分身"),
        Scope::FriendRead => ("The names and pictures of your friends", "你好友的名字和头像"),
        Scope::FriendWrite => ("An invitation that is sent in your name", "例如以你的名义发出的好友邀请"),
        Scope::Discover => ("People who like the same things", "例如与你兴趣相投的人"),
        Scope::Activity => ("“3 events in Home Bakers” on Tuesday", "例如周二“在烘焙社区有 3 条活动”"),
        Scope::Developer => ("A new redirect address of one of your apps", "例如你某个应用的新回调地址"),
    };
    lang.pick(en, zh).to_owned()
}
