//! The code that an operator hands out to somebody who has nothing set up, good for one use within a day.

use super::{AnswerValue, FactorRow, Input};
use crate::domain::Factor;

pub(super) const ROW: FactorRow = FactorRow {
    factor: Factor::BootstrapCode,
    is_enrolled: |user, _| user.entries(Factor::BootstrapCode).next().is_some(),
    accepts: AnswerValue::is_text,
    input: Input::PrintedCode,
};
