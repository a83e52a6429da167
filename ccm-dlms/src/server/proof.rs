//! The third and the fourth pass of high level security (Green Book 9.2.7.4).

use ccm_core::Writer;
use ccm_core::crypto::Crypto;

use super::short::REPLY_TO_HLS;
use super::{Server, Store};
use crate::frame::Serving;
use crate::message::cosem::AssociationLn;
use crate::message::data::{Data, Value};
use crate::message::{ActionResult, Encoded, MethodDescriptor, tag};
use crate::security::{Challenges, MAX_ANSWER};

impl<L: Serving, C: Crypto, S: Store> Server<'_, L, C, S> {
    /// Result and return value of the method, in `pieces`; gives where they end.
    pub(super) fn return_proof(&mut self, answer: Option<Encoded<'_>>) -> usize {
        let end = answer.and_then(|answer| self.prove(answer, HEAD.len()));
        let head = if end.is_some() { HEAD } else { [ActionResult::OtherReason.code(), 0, 0] };
        if let Some(place) = self.pieces.first_chunk_mut() {
            *place = head;
        }
        end.unwrap_or(2)
    }

    /// Checks the client's answer to the challenge, and writes the meter's at `at` into `pieces`; gives where that ends.
    /// A client whose answer is wrong is not associated any more.
    pub(super) fn prove(&mut self, answer: Encoded<'_>, at: usize) -> Option<usize> {
        let is_pending = self.session.is_pending();
        let proof = if is_pending { self.try_prove(answer, at) } else { None };
        match proof {
            Some(_) => self.session.prove(),
            None if is_pending => self.session.give_up(),
            None => {}
        }
        proof
    }

    fn try_prove(&mut self, Encoded(answer): Encoded<'_>, at: usize) -> Option<usize> {
        let Value::OctetString(answer) = Data::parse(answer).ok()?.value().ok()? else { return None };
        let Self { session, associations, crypto, pieces, .. } = self;
        let challenges = Challenges::new(session.own.bytes(), session.peer.bytes()).ok()?;
        let association = session.association(associations)?;
        let mut own = [0; MAX_ANSWER];
        let length = association.prove(crypto, &challenges, answer, &mut own).ok()?;
        let mut writer = Writer::new(pieces.get_mut(at..)?);
        Value::OctetString(own.get(..length)?).emit(&mut writer).ok()?;
        Some(at + writer.finish())
    }
}

/// Whether it is the method that answers the challenge.
pub(super) const fn is_proof(method: &MethodDescriptor) -> bool {
    method.class_id == AssociationLn::CLASS_ID
        && method.method_id == AssociationLn::REPLY_TO_HLS_AUTHENTICATION
}

/// Whether a request is the third pass, by either way to name objects.
pub(super) fn is_third_pass(request: &[u8]) -> bool {
    let [high, low] = REPLY_TO_HLS.to_be_bytes();
    match request {
        [tag::ACTION_REQUEST, 1, _, 0, 15, _, _, _, _, _, _, method, ..] => {
            i8::from_be_bytes([*method]) == AssociationLn::REPLY_TO_HLS_AUTHENTICATION
        }
        [tag::READ_REQUEST, 1, 4, first, second, ..] => [*first, *second] == [high, low],
        _ => false,
    }
}

/// Success, and a value that is data.
const HEAD: [u8; 3] = [0, 1, 0];
