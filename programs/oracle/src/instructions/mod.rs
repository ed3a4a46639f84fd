//! One file per instruction.
mod accept_authority;
mod initialize;
mod propose_authority;
mod set_attesters;
mod set_paused;
mod set_rule_set;
mod submit_meter_reading;
mod submit_reading_batch;

pub use accept_authority::accept_authority;
pub use initialize::initialize;
pub use propose_authority::propose_authority;
pub use set_attesters::set_attesters;
pub use set_paused::set_paused;
pub use set_rule_set::set_rule_set;
pub use submit_meter_reading::submit_meter_reading;
pub use submit_reading_batch::submit_reading_batch;
