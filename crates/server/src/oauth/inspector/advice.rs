//! What to do about an error, in a sentence, for the developer whose app got it.

use crate::error::{Code, Lang};

/// When an error happens and what helps, in the language of the page; none for sub codes that no error has.
pub fn of(sub_code: &str, lang: Lang) -> Option<Advice> {
    let row = Code::ALL.iter().map(|code| code.row()).find(|row| row.sub_code == sub_code)?;
    let words = ADVICE.iter().find(|(name, _, _)| *name == sub_code).map(|(_, en, zh)| lang.pick(en, zh));
    Some(Advice { status: row.status, when: row.when, todo: words.unwrap_or_default() })
}

/// About one error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The HTTP status.
    pub status: u16,
    /// When it happens (the table's own words, English).
    pub when: &'static str,
    /// What helps; may be empty.
    pub todo: &'static str,
}

const ADVICE: &[(&str, &str, &str)] = &[
    (
        "invalid.param",
        "The message names the field. Compare it with the field's row in the API reference; names are camelCase in JSON.",
        "错误信息指出了字段名，请对照 API 参考检查该字段；JSON 字段使用驼峰命名。",
    ),
    (
        "apikey.auth.missing",
        "Send the header `Authorization: Bearer <access token>`.",
        "请发送请求头 `Authorization: Bearer <access token>`。",
    ),
    (
        "auth.token.invalid",
        "The token is not known here: was it cut off, is it of another server, or is it a refresh token?",
        "服务器不认识该 token：是否被截断、来自其他服务器，或误用了 refresh token？",
    ),
    (
        "oauth2.token.expired",
        "Get a new access token with the refresh token, and repeat the request once.",
        "请用 refresh token 换取新的 access token 后重试一次。",
    ),
    (
        "oauth2.token.revoked",
        "Somebody took the token back. Send the user through the authorize page again.",
        "该 token 已被撤销，请让用户重新授权。",
    ),
    (
        "oauth2.authorization.revoked",
        "The user ended your app's access. Forget their tokens; they may let the app in again on the authorize page.",
        "用户已撤销对应用的授权。请删除其 token，用户可在授权页重新授权。",
    ),
    (
        "oauth2.scope.insufficient",
        "Ask for the scope named in the message on the authorize page; users have to agree once more.",
        "请在授权页申请错误信息中的权限，用户需要重新同意。",
    ),
    (
        "auth.scope.missing",
        "Ask for the scope named in the message on the authorize page; users have to agree once more.",
        "请在授权页申请错误信息中的权限，用户需要重新同意。",
    ),
    (
        "oauth2.scope.disallowed",
        "Add the scope to the app's allowed scopes in this console first.",
        "请先在控制台将该权限加入应用的允许范围。",
    ),
    (
        "oauth2.client.secret_mismatch",
        "The secret is not this app's. If it was rotated, the old one works only during the overlap.",
        "密钥与应用不符。若已轮换，旧密钥仅在重叠期内有效。",
    ),
    (
        "oauth2.invalid_client",
        "Check the Client ID and secret; both come from this console.",
        "请检查 Client ID 与密钥，二者均可在控制台查看或重置。",
    ),
    (
        "oauth2.redirect_uri.mismatch",
        "Send exactly the redirect URI of the authorize request, which must be one of the registered ones: scheme, port, path and \
         trailing slash count.",
        "请使用与授权请求完全一致的重定向地址，且须已登记：协议、端口、路径与结尾斜杠均须相同。",
    ),
    (
        "oauth2.code.expired",
        "Exchange the code within its few minutes; codes are not for keeping.",
        "请在授权码有效的几分钟内完成兑换。",
    ),
    (
        "oauth2.code.used",
        "A code works once. Is the callback called twice, for example by a page that is reloaded?",
        "授权码只能使用一次，请检查回调是否被重复调用（例如页面刷新）。",
    ),
    (
        "oauth2.code.invalid",
        "Unknown code, another app's, or a `code_verifier` that does not fit its challenge.",
        "授权码未知、属于其他应用，或 `code_verifier` 与 challenge 不匹配。",
    ),
    (
        "secondme.model.busy",
        "Wait as long as `Retry-After` says, then try again.",
        "请等待 `Retry-After` 指定的时间后重试。",
    ),
    (
        "secondme.model.unavailable",
        "The operator's model is not loaded. It may still be fetched; ask the operator.",
        "模型尚未就绪，可能仍在下载，请联系服务器管理员。",
    ),
    (
        "request.rate.limited",
        "Wait as long as `Retry-After` says, then try again.",
        "请等待 `Retry-After` 指定的时间后重试。",
    ),
    (
        "resource.fetch.not_found",
        "The path or the id is not known. `/gate/lab/api/api/…` is a common slip.",
        "路径或 ID 不存在。常见错误是 `/gate/lab/api/api/…`。",
    ),
    (
        "request.method.not_allowed",
        "The `Allow` header of the answer names the methods that work.",
        "请查看响应头 `Allow` 中列出的方法。",
    ),
    (
        "account.suspended",
        "The operator of this server suspended the user's account. Nothing an app can do.",
        "服务器管理员已停用该用户账号，应用无法处理。",
    ),
    (
        "oauth2.application.suspended",
        "The operator suspended your app. Ask them why.",
        "应用已被管理员停用，请联系管理员。",
    ),
    ("oauth2.application.pending_review", "The operator has to approve your app first.", "应用需要先通过管理员审核。"),
    (
        "internal.error",
        "A fault of this server. Give the operator the request id; it stands in the server's log.",
        "服务器内部错误，请将请求 ID 告知管理员以便查找日志。",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_advice_is_about_an_error_that_exists() {
        for (name, en, zh) in ADVICE {
            let advice = of(name, Lang::Zh).unwrap();
            assert_eq!(advice.todo, *zh);
            assert!(!en.is_empty() && !advice.when.is_empty());
        }
        assert_eq!(of("nothing.like.this", Lang::En), None);
    }
}
