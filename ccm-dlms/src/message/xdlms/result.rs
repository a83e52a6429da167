//! Why a server did not do what it was asked.

use ccm_core::{Full, Writer};

use super::list::Item;
use crate::message::MessageError;
use crate::message::codes::codes;
use crate::message::cursor::Cursor;

codes! {
    /// What became of reading or writing an attribute (Data-Access-Result).
    DataAccessResult;
    0 Success, "success";
    1 HardwareFault, "hardware-fault";
    2 TemporaryFailure, "temporary-failure";
    3 ReadWriteDenied, "read-write-denied";
    4 ObjectUndefined, "object-undefined";
    9 ObjectClassInconsistent, "object-class-inconsistent";
    11 ObjectUnavailable, "object-unavailable";
    12 TypeUnmatched, "type-unmatched";
    13 ScopeOfAccessViolated, "scope-of-access-violated";
    14 DataBlockUnavailable, "data-block-unavailable";
    15 LongGetAborted, "long-get-aborted";
    16 NoLongGetInProgress, "no-long-get-in-progress";
    17 LongSetAborted, "long-set-aborted";
    18 NoLongSetInProgress, "no-long-set-in-progress";
    19 DataBlockNumberInvalid, "data-block-number-invalid";
    250 OtherReason, "other-reason";
}

codes! {
    /// What became of invoking a method (Action-Result).
    ActionResult;
    0 Success, "success";
    1 HardwareFault, "hardware-fault";
    2 TemporaryFailure, "temporary-failure";
    3 ReadWriteDenied, "read-write-denied";
    4 ObjectUndefined, "object-undefined";
    9 ObjectClassInconsistent, "object-class-inconsistent";
    11 ObjectUnavailable, "object-unavailable";
    12 TypeUnmatched, "type-unmatched";
    13 ScopeOfAccessViolated, "scope-of-access-violated";
    14 DataBlockUnavailable, "data-block-unavailable";
    15 LongActionAborted, "long-action-aborted";
    16 NoLongActionInProgress, "no-long-action-in-progress";
    250 OtherReason, "other-reason";
}

impl<'a> Item<'a> for DataAccessResult {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        cursor.u8("data-access-result").map(Self::from_code)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.u8(self.code())
    }
}
