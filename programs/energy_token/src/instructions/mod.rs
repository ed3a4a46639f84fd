//! One file per instruction.
mod accept_authority;
mod burn_for_consumption;
mod initialize;
mod mint_from_production;
mod propose_authority;
mod retire_tokens;
mod set_minting_enabled;

pub use accept_authority::accept_authority;
pub use burn_for_consumption::burn_for_consumption;
pub use initialize::initialize;
pub use mint_from_production::mint_from_production;
pub use propose_authority::propose_authority;
pub use retire_tokens::retire_tokens;
pub use set_minting_enabled::set_minting_enabled;
