//! `rollcast validate`: the simulator against theory and recorded rollouts.

use super::args::Validate;
use super::exit::Exit;
use crate::study;

pub(super) fn run(validate: &Validate) -> anyhow::Result<Exit> {
    study::validate::run(validate.full, &validate.out)?;
    Ok(Exit::Done)
}
