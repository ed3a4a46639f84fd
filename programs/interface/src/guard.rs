//! The errors of the checks that every program makes in the same way; each program's own enum begins with the same block.
errors! {
    /// Failures of shared guards.
    GuardError {}
}
