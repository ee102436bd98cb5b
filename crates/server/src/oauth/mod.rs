//! OAuth2 in SecondMe's dialect (contract 2–4) and in the standard's (`standard/`): apps and their developers, the authorize page, codes, grants, what users granted,
//! and the events that tell apps when it ends.

pub mod apps;
pub mod authorizations;
pub mod authorize;
pub mod codes;
pub mod console;
pub mod grants;
pub mod housekeeping;
pub mod inspector;
pub mod me;
pub mod resource;
pub mod standard;
pub mod webhooks;
