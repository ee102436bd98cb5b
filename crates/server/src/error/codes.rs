//! The closed table of errors (contract 21): sub code, HTTP status, the message in two languages, and when it happens.

/// One row of the table.
#[derive(Debug)]
pub struct Row {
    /// HTTP status, and the `code` of the body.
    pub status: u16,
    /// The `subCode` that clients may branch on.
    pub sub_code: &'static str,
    /// English message; `{}` takes the one detail that an error may carry.
    pub en: &'static str,
    /// Chinese message, of the same form.
    pub zh: &'static str,
    /// When it happens, for the reference.
    pub when: &'static str,
}

macro_rules! codes {
    ($( $name:ident => $status:literal $sub:literal, $en:literal, $zh:literal, $when:literal; )*) => {
        /// Every error a client can see.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $( #[doc = $when] $name, )* }

        impl Code {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Code] = &[ $( Code::$name, )* ];

            /// Its row of the table.
            pub fn row(self) -> &'static Row {
                match self {
                    $( Code::$name => &Row { status: $status, sub_code: $sub, en: $en, zh: $zh, when: $when }, )*
                }
            }
        }
    };
}

codes! {
    InvalidParam => 400 "invalid.param", "Invalid parameter: {}", "参数错误：{}", "A parameter is missing, malformed or out of range.";
    Unprocessable => 422 "invalid.param", "Validation Error: {}", "参数校验失败：{}", "`model`, `maxTokens`, images, or an unknown field of ws-chat.";
    ContentType => 415 "request.content_type.unsupported", "Unsupported content type: send {}", "不支持的内容类型，请使用 {}", "The Content-Type is not one the route reads.";
    BodyTooLarge => 413 "request.body.too_large", "The request body is larger than this route takes", "请求体超过该接口的限制", "The body is over the limit in config.";
    RouteNotFound => 404 "resource.fetch.not_found", "Not Found", "接口不存在", "No route has this path.";
    MethodNotAllowed => 405 "request.method.not_allowed", "Method not allowed: the Allow header names the methods of this path", "不支持该请求方法，请查看 Allow 响应头", "The path exists with another method.";
    NotFound => 404 "resource.fetch.not_found", "{} not found", "{} 不存在", "The thing does not exist or is not yours.";
    Unauthorized => 401 "resource.auth.unauthorized", "Authentication required: sign in or send an access token", "需要认证：请登录或提供 token", "Neither a session nor a token was sent.";

    TokenInvalid => 401 "auth.token.invalid", "The access token is invalid", "认证失败：token 无效", "The token is unknown, malformed or not meant for this route.";
    TokenMissing => 401 "apikey.auth.missing", "Authentication required: no access token in the Authorization header", "需要认证：缺少 token（Authorization 请求头）", "There is no Authorization header.";
    ApiKeyInvalid => 401 "apikey.auth.invalid", "The API key (token) is invalid", "API Key（token）无效", "A `lba_ak_` key is unknown or disabled.";
    ApiKeyNotFound => 404 "apikey.fetch.not_found", "API key not found", "API Key 不存在", "The key does not exist.";
    ApiKeyPermission => 403 "apikey.permission.denied", "Missing required permission: {}", "缺少必需的权限: {}", "A `lba_ak_` key lacks the scope.";
    ApiKeyScopeInvalid => 400 "apikey.scope.invalid", "Unknown scope: {}", "未知的权限范围：{}", "A key was asked for with an unknown scope.";
    DemoElsewhere => 401 "auth.token.invalid", "The demo world's credentials and tokens work on this machine only (loopback)", "演示凭据（token）仅限本机使用", "A demo credential came from another address than loopback.";

    AppNotFound => 404 "oauth2.application.not_found", "Application not found", "应用未找到", "No app has this Client ID.";
    AppForeign => 403 "oauth2.application.unauthorized", "This application is not yours", "无权操作该应用", "The app belongs to another developer.";
    AppInvalidType => 400 "oauth2.application.invalid_type", "This kind of application cannot do that", "应用类型不支持该操作", "The app's type does not allow the grant.";
    AppInvalidStatus => 400 "oauth2.application.invalid_status", "The application's status does not allow that", "应用状态不支持该操作", "The app's status does not allow the action.";
    AppPending => 403 "oauth2.application.pending_review", "The application is waiting for review", "应用审核中", "The app is not approved yet.";
    AppRejected => 403 "oauth2.application.rejected", "The application was rejected", "应用审核未通过", "The operator rejected the app.";
    AppSuspended => 403 "oauth2.application.suspended", "The application is suspended", "应用已被停用", "The operator suspended the app.";
    AuthorizationNotFound => 404 "oauth2.authorization.not_found", "Authorization not found", "授权不存在", "The user never authorized the app.";
    AuthorizationRevoked => 401 "oauth2.authorization.revoked", "The authorization behind this token was revoked", "授权已被撤销（token 失效）", "The user ended the app's access.";
    OauthTokenInvalid => 401 "oauth2.token.invalid", "The access token is invalid here: {}", "token 不适用于该接口：{}", "An app token on a route that needs a user.";
    TokenExpired => 401 "oauth2.token.expired", "The access token has expired", "token 已过期（expired）", "The token's lifetime is over.";
    TokenRevoked => 401 "oauth2.token.revoked", "The access token was revoked", "token 已被撤销", "The token was taken back.";
    TokenNotFound => 404 "oauth2.token.not_found", "Token not found", "token 不存在", "The token to manage does not exist.";
    ScopeInvalid => 400 "oauth2.scope.invalid", "Unknown scope: {}", "未知的权限范围：{}", "A scope has no such name in either generation.";
    ScopeDisallowed => 403 "oauth2.scope.disallowed", "The application may not ask for: {}", "应用未获准申请该权限：{}", "The scope is not among the app's allowed scopes.";
    ScopeInsufficient => 403 "oauth2.scope.insufficient", "Missing required scope: {}", "缺少必需的权限: {}", "The token lacks the scope.";
    ScopeMissing => 403 "auth.scope.missing", "Missing required scope: {}", "缺少必需的权限: {}", "The token lacks the scope (act, note and avatar routes).";
    ClientInvalid => 400 "oauth2.client.invalid", "Unknown client_id", "client_id 无效", "Code or refresh with an unknown client.";
    ClientSecretMismatch => 401 "oauth2.client.secret_mismatch", "The client secret does not match", "client_secret 不匹配", "Code or refresh with a wrong secret.";
    InvalidClient => 401 "oauth2.invalid_client", "Invalid client_id or client_secret", "client_id 或 client_secret 无效", "token/client with wrong credentials.";
    CodeInvalid => 400 "oauth2.code.invalid", "The authorization code is invalid", "授权码无效", "Unknown code, another client's, or a wrong verifier.";
    CodeExpired => 400 "oauth2.code.expired", "The authorization code has expired", "授权码已过期", "The code's five minutes are over.";
    CodeUsed => 400 "oauth2.code.used", "The authorization code was used already", "授权码已被使用", "A code works once.";
    CodeRevoked => 400 "oauth2.code.revoked", "The authorization code was revoked", "授权码已被撤销", "The authorization ended before the exchange.";
    RedirectInvalid => 400 "oauth2.redirect_uri.invalid", "Invalid redirect URI: {}", "重定向地址无效：{}", "A redirect URI cannot be registered as given.";
    RedirectMismatch => 400 "oauth2.redirect_uri.mismatch", "Redirect URI mismatch", "重定向地址不匹配（Redirect URI mismatch）", "The redirect URI is not the registered or the authorized one.";
    GrantInvalid => 400 "oauth2.grant_type.invalid", "grant_type must be {}", "grant_type 应为 {}", "The grant type is not the endpoint's.";
    GrantUnsupported => 400 "oauth2.grant_type.unsupported", "Unsupported grant_type: {}", "不支持的 grant_type：{}", "The bare token endpoint with an unknown grant.";
    ResourceInvalid => 400 "oauth2.resource.invalid", "This server has no such resource: {}", "本服务器没有该资源：{}", "`resource` names something that tokens cannot be asked for.";
    RegistrationOff => 403 "oauth2.registration.off", "Clients cannot register themselves here: ask the operator", "本服务器未开放客户端自助注册", "`oauth.dynamic_registration` is off.";
    RefreshInvalid => 400 "oauth2.refresh_token.invalid", "The refresh token is invalid", "refresh token 无效", "Unknown refresh token, or another client's.";
    RefreshExpired => 401 "oauth2.refresh_token.expired", "The refresh token has expired", "refresh token 已过期（expired）", "Its 365 days are over.";
    RefreshRevoked => 401 "oauth2.refresh_token.revoked", "The refresh token was revoked", "refresh token 已被撤销", "The user ended the app's access.";

    EmailTaken => 409 "account.email.taken", "An account with this e-mail address exists already", "该邮箱已注册", "Registering an address twice.";
    LoginFailed => 401 "account.login.failed", "E-mail address or password is wrong", "邮箱或密码错误", "A login with wrong credentials.";
    LoginDelayed => 429 "account.login.delayed", "Too many failed logins: wait {} seconds", "登录失败次数过多，请等待 {} 秒", "After several failures an address has to wait.";
    RegistrationClosed => 403 "account.registration.closed", "Registration is closed on this server", "本服务器未开放注册", "`accounts.registration` is off.";
    AccountSuspended => 403 "account.suspended", "This account is suspended", "该账号已被停用", "The operator suspended the user whose token, session or password it is.";
    OperatorOnly => 403 "operator.required", "These pages are for the operators of this server", "仅服务器管理员可访问", "Somebody who is no operator opens `/admin`.";
    OperatorSelf => 400 "operator.self", "You cannot suspend or demote yourself: another operator can", "不能停用或降级自己的账号，请由其他管理员操作", "An operator at `/admin` would lock themselves out.";
    SetupCode => 403 "server.setup.code", "This is not the setup code: the server prints it when it starts", "初始化代码不正确：服务器启动时会在终端打印", "The first account is made from another machine without the printed code.";
    SetupDone => 403 "server.setup.done", "This server was set up already", "服务器已完成初始化", "The first account is made once.";
    RouteTaken => 400 "user.profile.update_failed", "This home page route is taken", "该主页路径已被占用", "`origin_route` belongs to somebody else.";
    ProfileInvalid => 400 "user.profile.update_failed", "Profile not updated: {}", "资料更新失败：{}", "A field of the profile breaks its limit.";
    ProfileFailed => 500 "user.profile.update_failed", "Profile not updated", "资料更新失败", "The profile could not be stored.";

    EventWritesDisabled => 403 "agent.memory.write.disabled", "The user has turned writing of agent memory off", "该用户已关闭 Agent Memory 写入", "The user's switch for reported events is off.";
    IngestFailed => 502 "agent.memory.ingest.failed", "The event could not be stored, try again", "事件写入失败，请重试", "The database failed while events were stored.";
    EventListFailed => 502 "agent_memory.list.failed", "The events could not be read, try again", "事件列表读取失败，请重试", "The database failed while events were read.";
    MemoryContentRequired => 400 "memory.content.required", "`content` is required", "`content` 为必填项", "A key memory without words.";
    MemoryNotFound => 404 "memory.not_found", "Memory not found", "记忆不存在", "The key memory does not exist or is not yours.";
    NoteContentRequired => 400 "note.content.required", "`content` is required for a TEXT note", "TEXT 类型笔记的 `content` 为必填项", "A note without words.";
    NoteUrlsRequired => 400 "note.urls.required", "`urls` is required for a LINK note", "LINK 类型笔记的 `urls` 为必填项", "A LINK note without links.";
    NoteAddRefused => 403 "note.add.not_whitelisted", "This application may not add notes here", "该应用未被允许新增笔记", "`policy.note_whitelist` does not name the app.";
    NoteListRefused => 403 "note.list.not_whitelisted", "This application may not list notes here", "该应用未被允许读取笔记列表", "`policy.note_whitelist` does not name the app.";
    NoteUpdateFailed => 404 "note.update.failed", "Note not found, nothing was changed", "笔记不存在，更新失败", "The note to change does not exist or is not yours.";
    NoteDeleteFailed => 404 "note.delete.failed", "Note not found, nothing was deleted", "笔记不存在，删除失败", "The note to delete does not exist or is not yours.";

    UserInvalidId => 400 "secondme.user.invalid_id", "Invalid user id", "用户 ID 无效", "`receiverUserId` or a user id is not one.";
    SessionNotFound => 404 "secondme.session.not_found", "Session not found", "会话不存在", "The session does not exist.";
    SessionForeign => 403 "secondme.session.unauthorized", "This session belongs to somebody else", "无权访问该会话", "The session is another user's.";
    StreamError => 500 "secondme.stream.error", "The model failed: {}", "模型调用失败：{}", "The model failed before the first byte.";
    ContextFailed => 500 "secondme.context.build_failed", "The conversation's context could not be built", "构建上下文失败", "Profile or history could not be read.";
    ContextTooLong => 400 "secondme.context.too_long", "The message is too long for the model: {} tokens at most", "消息超过模型上下文：最多 {} 个 token", "Prompt and message exceed the model's context.";
    ModelBusy => 503 "secondme.model.busy", "All models are busy, try again in {} seconds", "模型繁忙，请 {} 秒后重试", "The model's queue is full.";
    ModelUnavailable => 503 "secondme.model.unavailable", "The model is not available: {}", "模型不可用：{}", "The model is not there yet, or failed to load.";
    ModelTimeout => 504 "secondme.model.timeout", "The model did not answer in time: {}", "模型响应超时：{}", "The model upstream was silent too long.";
    ModelFailed => 502 "secondme.stream.error", "The model failed: {}", "模型调用失败：{}", "The model upstream answered with an error.";
    ShuttingDown => 503 "secondme.server.stopping", "The server is stopping; what was said so far is stored", "服务器正在停止，已生成的内容已保存", "A stream was running when the server stopped.";
    AppBanned => 403 "secondme.app.banned", "This application is banned here", "应用已被封禁", "The operator banned the app.";

    ActEmpty => 400 "secondme.act.action_control.empty", "actionControl has common format problems: see issues and suggestions", "actionControl 存在常见格式问题，请根据 issues 与 suggestions 修改", "`actionControl` is missing or blank.";
    ActTooShort => 400 "secondme.act.action_control.too_short", "actionControl has common format problems: see issues and suggestions", "actionControl 存在常见格式问题，请根据 issues 与 suggestions 修改", "`actionControl` is under 20 characters.";
    ActTooLong => 400 "secondme.act.action_control.too_long", "actionControl has common format problems: see issues and suggestions", "actionControl 存在常见格式问题，请根据 issues 与 suggestions 修改", "`actionControl` is over 8000 characters.";
    ActInvalidFormat => 400 "secondme.act.action_control.invalid_format", "actionControl has common format problems: see issues and suggestions", "actionControl 存在常见格式问题，请根据 issues 与 suggestions 修改", "`actionControl` shows no JSON structure.";
    ActIncomplete => 500 "secondme.act.output.incomplete", "maxTokens is too small for a complete JSON answer", "maxTokens 不足以输出完整的 JSON", "The answer was cut before the JSON was complete.";
    ActInvalidOutput => 502 "secondme.act.output.invalid", "The model gave no valid JSON", "模型未能输出有效的 JSON", "After a repair round the answer still was not valid.";

    AvatarUnknown => 404 "avatar.fetch.failed", "Avatar not found", "分身不存在", "No avatar of yours has this id, or none this share code.";
    AvatarCreateFailed => 400 "avatar.create.failed", "Avatar not created: {}", "创建分身失败：{}", "A field breaks a rule of avatars, or there are too many.";
    AvatarUpdateUnknown => 404 "avatar.update.failed", "Avatar not found", "分身不存在", "The avatar to change is not there or not yours.";
    AvatarUpdateFailed => 400 "avatar.update.failed", "Avatar not updated: {}", "更新分身失败：{}", "A field breaks a rule of avatars.";
    AvatarDeleteUnknown => 404 "avatar.delete.failed", "Avatar not found", "分身不存在", "The avatar to delete is not there or not yours.";
    AvatarPrimary => 400 "avatar.delete.failed", "The primary avatar cannot be deleted", "主分身不可删除", "Everybody keeps their primary avatar.";
    AvatarUnlock => 403 "avatar.unlock.required", "This avatar has to be unlocked first: its free messages are used up, and this server sells none", "需要先解锁该分身：免费次数已用完，本服务器不提供购买", "A PAID avatar whose trial messages are used up.";
    AvatarKeyUnknown => 404 "avatar.apikey.failed", "Avatar or key not found", "分身或密钥不存在", "The key, or the avatar it is to open, is not there or not yours.";
    AvatarKeyFailed => 400 "avatar.apikey.failed", "Key not stored: {}", "密钥操作失败：{}", "An avatar has too many keys.";
    AvatarContractFailed => 502 "avatar.contract.status_failed", "The contract's status is not known", "获取签约状态失败", "The stored status is none of the three.";
    SkillInvalid => 400 "avatar.custom.skill.definition.invalid", "The skill's definition is not valid: {}", "技能定义无效：{}", "A field of a custom skill breaks its rule.";
    SkillContentRequired => 400 "avatar.custom.skill.content.required", "`contentMarkdown` is required", "缺少 contentMarkdown", "A custom skill without text.";
    SkillSource => 400 "avatar.custom.skill.source.unsupported", "Only `sourceType` `md_text` is supported", "仅支持 sourceType 为 md_text", "A custom skill from a URL or of another type.";
    IntegrationUnknown => 404 "integration.not_found", "Integration or version not found", "集成或版本不存在", "No integration of yours has this id, or no version of it, or none waits for review.";
    IntegrationInvalid => 400 "integration.invalid", "The integration cannot be called: {}", "集成无法调用：{}", "Address or headers of a manifest cannot be used.";
    IntegrationLimit => 403 "integration.limit", "You have too many integrations: {} at the most", "集成数量已达上限：{}", "`integrations.per_user_max` integrations of a developer.";
    ManifestInvalid => 400 "integration.manifest.invalid", "The manifest is not valid: {}", "清单无效：{}", "A manifest with faults; `issues` names each by its path.";
    SkillKeyTaken => 409 "integration.skill_key.taken", "The skill key is taken: {}", "技能标识已被占用：{}", "Keys of skills are unique on this server.";
    NotValidated => 409 "integration.not_validated", "Validate this version first: its last validation is missing or found errors", "请先验证该版本：尚未验证或验证未通过", "A release of a version without a valid report.";
    ReleasePending => 409 "integration.release.pending", "Another version is waiting for review", "已有版本正在审核", "One version of an integration waits at a time.";
    SkillUnknown => 404 "skill.not_found", "Skill not found", "技能不存在", "No released skill has this key.";
    ExportUnknown => 404 "avatar.fetch.failed", "Export not found", "导出任务不存在", "No export of yours has this id.";
    LinkInvalid => 403 "avatar.export.link_invalid", "This download link is not valid", "下载链接无效", "The signature of a download link does not match.";
    LinkExpired => 410 "avatar.export.link_expired", "This download link has expired: ask for the export again", "下载链接已过期，请重新获取", "A download link after its time, or its file is deleted.";
    EvaluationUnknown => 404 "avatar.fetch.failed", "Evaluation not found", "评测不存在", "No evaluation of yours has this id.";
    EvaluationRunning => 409 "avatar.evaluation.running", "Another evaluation of this avatar is still running", "该分身已有评测正在进行", "One evaluation per avatar at a time.";
    EvaluationNotReady => 409 "avatar.evaluation.not_ready", "The evaluation has no report: its status is {}", "评测报告尚未生成，当前状态 {}", "The report of a run that has not succeeded.";
    ReportExpired => 410 "avatar.evaluation.expired", "This report has expired", "评测报告已过期", "A report page after its time.";
    OpenKeyUnknown => 401 "open.api.key.not.found", "Invalid avatar API key", "分身 API Key 无效", "No enabled `sk-` key is this, or its avatar is closed to apps.";
    OpenUserUnknown => 404 "open.api.user.not.found", "The owner of this avatar does not exist", "分身所有者不存在", "The account behind an avatar key is gone or suspended.";
    ShareCodeUnknown => 404 "ws_chat.share_code.mind_not_found", "No avatar has this share code", "分享码对应的分身不存在", "`shareCode` names no avatar.";
    VisitorIdRequired => 400 "visitor_chat.visitor_id_required", "`visitorId` is required with an app token", "使用应用 token 时必须提供 visitorId", "`init` with an app's token and no `visitorId`.";
    VisitorSessionUnknown => 400 "visitor_chat.session_not_found", "Session not found (session_not_found): call /visitor-chat/init again", "会话不存在（session_not_found），请重新调用 /visitor-chat/init", "`send` into a session that was never initialised, or is not the caller's.";
    VisitorSessionExpired => 400 "visitor_chat.session_expired", "The session has expired (session_expired): call /visitor-chat/init again", "会话已过期（session_expired），请重新调用 /visitor-chat/init", "`send` into a session that was silent for long.";
    VisitorAddress => 401 "visitor_chat.address_invalid", "This address (token) is not valid any more: call /visitor-chat/init again", "该地址（token）已失效，请重新调用 /visitor-chat/init", "`wsId` and `authBody` are forged, too old, or of the demo world and used elsewhere.";
    VisitorBlocked => 403 "visitor_chat.blocked", "The owner of this avatar does not take messages from you, or your access was taken back", "分身所有者已将你屏蔽，或授权已被撤销", "The owner blocked the visitor, or access to the socket's app was revoked.";
    VisitorClosed => 403 "visitor_chat.closed", "This avatar takes no visitors at the moment", "该分身暂不接受访客", "The owner closed the avatar to visitors.";
    VisitorQuota => 429 "visitor_chat.quota_exhausted", "Today's messages to this avatar are used up: try again in {} seconds", "今日与该分身的消息额度已用完，请 {} 秒后重试", "The daily quota of a FREE avatar's visitor or of a SPONSORED avatar's owner is used up.";
    VisitorConversationUnknown => 404 "visitor_chat.conversation_not_found", "Conversation not found", "会话不存在", "The owner has no conversation with this id.";
    VisitorNotTakenOver => 409 "visitor_chat.not_taken_over", "Take over the conversation first", "请先接管该会话", "The owner replies in a conversation that the avatar answers.";

    UploadUnauthorized => 401 "core.http_error", "Authentication required: no valid access token", "需要认证：token 缺失或无效", "An upload without a valid token, in `Authorization` or in a `token` header.";
    UploadRefused => 400 "cos.upload.failed", "The file was not accepted: {}", "文件未被接受：{}", "An uploaded file is empty, broken, too large a picture, or of a kind that is not taken.";
    UploadQuota => 413 "cos.upload.failed", "The space for this account's files is used up", "该账号的文件空间已用完", "All files of a user exceed `uploads.user_max_bytes`.";
    UploadFailed => 500 "cos.upload.failed", "File upload failed", "文件上传失败", "The storage failed.";

    InvitationRequired => 403 "third.party.agent.plaza.invitation.required", "The plaza needs a resident certificate: redeem an invitation code first", "需要居民证：请先兑换邀请码", "The caller holds no active certificate.";
    InvitationNotFound => 404 "invitation.code.not_found", "Unknown invitation code", "邀请码不存在", "No such code.";
    InvitationUsed => 400 "invitation.code.already_used", "The invitation code was used already", "邀请码已被使用", "A code works once.";
    InvitationOwn => 400 "invitation.code.self_redeem", "You cannot redeem your own invitation code", "不能兑换自己的邀请码", "The caller made the code.";
    RedeemLimited => 429 "invitation.redeem.rate_limited", "Too many unknown codes: wait {} seconds", "尝试次数过多，请等待 {} 秒", "`plaza.redeem_failures_per_hour` unknown codes within an hour.";
    InvitationsExhausted => 403 "invitation.quota.exhausted", "No invitation codes left: {} redeemed ones earn another", "没有剩余邀请码：每 {} 个被兑换可再获得一个", "A certificate holder has made all their codes.";
    CommentTooLong => 400 "comment.content.too_long", "A comment has at most {} characters", "评论最多 {} 个字符", "A comment is over its limit.";

    InviteSent => 400 "friend.invite.already_sent", "The invitation was sent already", "好友邀请已发送", "An invitation between the two waits for its answer.";
    InviteFriend => 400 "friend.invite.already_friend", "You are friends already", "你们已经是好友", "The two are friends.";
    InviteNotFound => 404 "friend.invite.not_found", "No such invitation", "好友邀请不存在", "That user did not invite the caller.";
    InviteHandled => 400 "friend.invite.already_handled", "The invitation was answered already", "好友邀请已处理", "An invitation is answered once.";
    InvitesTooMany => 429 "friend.invite.too_many", "Too many of your invitations wait for an answer", "等待回应的好友邀请过多", "`social.pending_invitations_max` invitations of the caller are open.";
    FriendNotFound => 404 "friend.not_found", "You have no such friend", "好友不存在", "The two are not friends.";
    FriendBlocked => 403 "friend.blocked", "One of you blocked the other", "双方中有一方已屏蔽对方", "A message between friends of whom one blocked the other.";
    TtsTooLong => 400 "tts.text.too_long", "The text is too long to be spoken: {} characters at most", "文本过长：最多 {} 个字符", "`text` is over the limit.";
    TtsVoiceNotSet => 400 "tts.voice_id.not_set", "No voice is set: choose one of `tts/voices` first", "尚未设置音色，请先在 tts/voices 中选择", "The user chose no voice, or one that this server no longer has.";
    TtsLanguage => 400 "tts.language.unsupported", "This text cannot be spoken: the voices speak English and Chinese, not {}", "无法朗读该文本：仅支持中文和英文，不支持 {}", "The text is in a writing that the engine cannot speak.";
    TtsBusy => 503 "tts.engine.busy", "The voice is busy, try again in {} seconds", "语音合成繁忙，请 {} 秒后重试", "The speech engine's queue is full.";
    TtsUnavailable => 503 "tts.engine.unavailable", "Speech is not available: {}", "语音合成不可用：{}", "The speech engine is switched off, still being fetched, or not reachable.";
    TtsTimeout => 504 "tts.engine.timeout", "The speech engine did not answer in time", "语音合成超时", "The speech server was silent too long.";
    TtsFailed => 502 "tts.engine.failed", "The speech engine failed", "语音合成失败", "The speech engine broke, or its server answered with an error.";

    RateLimited => 429 "request.rate.limited", "Too many requests: try again in {} seconds", "请求过于频繁，请 {} 秒后重试", "A rate limit was hit.";
    Overloaded => 503 "request.overloaded", "The server has too much to do: try again soon", "服务器繁忙，请稍后重试", "More requests are being worked on than `limits.in_flight_max` allows; reads are refused first.";
    Internal => 500 "internal.error", "Internal error; the request id helps the operator to find it", "服务器内部错误，请提供请求 ID 联系管理员", "Something went wrong on the server.";
    Connection => 503 "connection.error", "A part of the server is not reachable, try again", "服务暂不可用，请稍后重试", "The database is away or busy.";
}
