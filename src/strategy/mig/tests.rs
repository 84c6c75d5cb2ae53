//! Stories of the rules.
