//! Recovery codes: printed at enrollment, each good for one use.

use super::{AnswerValue, FactorRow, Input};
use crate::domain::Factor;
use crate::verification::factors::printed_code::codes_left;

pub(super) const ROW: FactorRow = FactorRow {
    factor: Factor::RecoveryCode,
    is_enrolled: |user, _| codes_left(user) > 0,
    accepts: AnswerValue::is_text,
    input: Input::PrintedCode,
};
