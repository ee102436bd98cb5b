//! The server as the official SDK wants it.

use axum::http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, GetPromptRequestParams,
    GetPromptResponse, Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::Value;

use super::{prompts, resources, tools};
use crate::access::Caller;
use crate::app::App;
use crate::error::{ApiError, Code, Lang};

const INSTRUCTIONS: &str = "SecondMe: the user's second self. Search their memory before you answer questions about them; write down what \
     they decide or do as a note or an event; ask the avatar (chat) how they would say or see something, and act for a judgement in JSON.";

/// The avatar of whoever calls.
#[derive(Clone)]
pub(super) struct Avatar(pub(super) App);

/// Who calls: the door put them there.
fn caller(context: &RequestContext<RoleServer>) -> Result<Caller, ErrorData> {
    let parts = context.extensions.get::<Parts>();
    let caller = parts.and_then(|parts| parts.extensions.get::<Caller>()).cloned();
    caller.ok_or_else(|| ErrorData::internal_error("no caller", None))
}

/// An error of the table in the protocol's words.
pub(super) fn failed(error: &ApiError) -> ErrorData {
    if let Some(cause) = error.cause() {
        tracing::error!(sub_code = error.code().row().sub_code, %cause, "request failed");
    }
    let data = serde_json::json!({"subCode": error.code().row().sub_code});
    let message = error.message(Lang::En);
    match error.code().row().status {
        404 => ErrorData::resource_not_found(message, Some(data)),
        400..500 => ErrorData::invalid_params(message, Some(data)),
        _ => ErrorData::internal_error(message, Some(data)),
    }
}

impl ServerHandler for Avatar {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_prompts().enable_resources().enable_tools().build();
        let mut info = ServerConfig::new(capabilities).with_instructions(INSTRUCTIONS);
        info.server_info = Implementation::new("secondme-server", env!("CARGO_PKG_VERSION"));
        info
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let caller = caller(&context)?;
        Ok(ListToolsResult::with_all_items(tools::offered(&caller)))
    }

    /// What goes wrong in a tool is its result, so that the agent reads it; a name that no tool has is a mistake of the client.
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = caller(&context)?;
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let result = match tools::call(&self.0, &caller, &request.name, arguments).await {
            Some(Ok(value)) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(tools::words(&value))]);
                result.structured_content = Some(value);
                result
            }
            Some(Err(error)) => {
                if let Some(cause) = error.cause() {
                    tracing::error!(sub_code = error.code().row().sub_code, %cause, "a tool failed");
                }
                let text = format!("{} ({})", error.message(Lang::En), error.code().row().sub_code);
                CallToolResult::error(vec![ContentBlock::text(text)])
            }
            None => return Err(failed(&ApiError::new(Code::NotFound).arg(format!("tool {}", request.name)))),
        };
        Ok(result.into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        caller(&context)?;
        Ok(ListPromptsResult::with_all_items(prompts::all()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        caller(&context)?;
        let prompt = prompts::get(&request.name, &request.arguments.unwrap_or_default());
        Ok(prompt.map_err(|error| failed(&error))?.into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let caller = caller(&context)?;
        let cursor = request.and_then(|request| request.cursor);
        resources::list(&self.0, &caller, cursor.as_deref()).await.map_err(|error| failed(&error))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        caller(&context)?;
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let caller = caller(&context)?;
        let read = resources::read(&self.0, &caller, &request.uri).await.map_err(|error| failed(&error))?;
        Ok(read.into())
    }
}
