//! OAuth2 in SecondMe's dialect (contract 2, 3): apps, the authorize page, codes, grants, and what users granted.

pub mod apps;
pub mod authorizations;
pub mod authorize;
pub mod codes;
pub mod grants;
pub mod housekeeping;
pub mod me;
