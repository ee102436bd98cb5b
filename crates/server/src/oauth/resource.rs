//! What a token is asked for (RFC 8707): the MCP server, or, like every token without this parameter, SecondMe's own API.

use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// The address of the MCP server: the audience of its tokens.
pub fn mcp(app: &App) -> String {
    format!("{}/mcp", app.public_url())
}

/// The audience that a `resource` parameter stands for; empty: SecondMe's own API.
///
/// # Errors
/// `oauth2.resource.invalid` for anything that is not here.
pub fn audience(app: &App, resource: &str) -> Result<String> {
    let (resource, own) = (resource.trim_end_matches('/'), app.public_url());
    let mcp = mcp(app);
    if resource == mcp {
        return Ok(mcp);
    }
    let api = app.base_url();
    let is_api = resource.is_empty() || [own, &api, &format!("{api}/api")].contains(&resource);
    if is_api { Ok(String::new()) } else { Err(ApiError::new(Code::ResourceInvalid).arg(resource)) }
}
