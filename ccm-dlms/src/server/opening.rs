//! Associations: AARQ and AARE, RLRQ and RLRE (Green Book 9.3.2 to 9.3.4).

use ccm_core::Writer;
use ccm_core::crypto::Crypto;

use super::envelope::{Reply, unprotect};
use super::session::Challenge;
use super::{Association, Authentication, Caller, Import, Referencing, Server, Store};
use crate::frame::Serving;
use crate::message::{
    Aare, Aarq, AssociationResult, ConfirmedService, ConfirmedServiceError, Conformance, ContextName,
    Diagnostic, ExceptionServiceError, Hidden, InitiateRequest, InitiateResponse, MechanismName,
    ProviderDiagnostic, ReleaseRequest, ReleaseResponse, ReleaseResponseReason, ServiceError, UserDiagnostic,
};
use crate::security::{KeyUse, Outgoing, Protection, SystemTitle};

/// Why a client is not let in, and what is wrong with its initiate-request where it is that.
struct Refusal(Diagnostic, Option<ServiceError>);

/// What was agreed on.
struct Agreed {
    index: usize,
    caller: Caller,
    /// How the initiate-request was protected, where it was.
    reply: Option<Reply>,
}

impl<L: Serving, C: Crypto, S: Store> Server<'_, L, C, S> {
    /// Answers an AARQ. Whatever comes of it, an earlier association is over.
    pub(super) fn associate(&mut self, length: usize) -> usize {
        self.end_association();
        self.request.clear();
        let apdu = self.link.apdu_mut().get(..length).unwrap_or_default();
        if !self.request.append(apdu) {
            return 0;
        }
        let held = core::mem::take(&mut self.request);
        let answer = match Aarq::parse(held.bytes()) {
            Ok(aarq) => match self.agree(&aarq) {
                Ok(agreed) => self.accept(&aarq, agreed),
                Err(refusal) => self.reject(aarq.application_context_name, &refusal),
            },
            Err(_) => self.reject(ContextName::LogicalName, &provider(ProviderDiagnostic::NoReasonGiven)),
        };
        self.request = held;
        answer
    }

    /// Answers an RLRQ. Where it brings a proof that it is the client who ends the association, the proof counts.
    pub(super) fn release(&mut self, length: usize) -> usize {
        if !self.session.is_asking() {
            return self.refuse(ExceptionServiceError::OperationNotPossible);
        }
        let Self { link, pieces, session, associations, crypto, .. } = self;
        let apdu = link.apdu_mut().get(..length).unwrap_or_default();
        let Ok(release) = ReleaseRequest::parse(apdu) else {
            return self.refuse(ExceptionServiceError::OtherReason);
        };
        let information = copy(pieces, release.user_information.map_or(&[], |Hidden(bytes)| bytes));
        let context = session.association(associations).and_then(|a| a.security.as_mut());
        let reply = match context.filter(|_| !information.is_empty()) {
            Some(context) => unprotect(context, crypto, information).map(|(_, reply, _)| reply),
            None => Ok(None),
        };
        let Ok(reply) = reply else { return self.write_release(ReleaseResponseReason::NotFinished, 0) };
        let reply = reply.or(self.session.opening);
        let information = if reply.is_some() { self.initiate_response(reply) } else { 0 };
        let answer = self.write_release(ReleaseResponseReason::Normal, information);
        self.end_association();
        answer
    }

    fn write_release(&mut self, reason: ReleaseResponseReason, information: usize) -> usize {
        let Self { link, pieces, .. } = self;
        let information = pieces.get(..information).filter(|bytes| !bytes.is_empty());
        let release = ReleaseResponse { reason: Some(reason), user_information: information.map(Hidden) };
        let mut writer = Writer::new(link.apdu_mut());
        release.emit(&mut writer).map(|()| writer.finish()).unwrap_or_default()
    }

    /// Forgets the association, but not who asks, and when.
    pub(super) fn end_association(&mut self) {
        let (asking, now) = (self.session.asking, self.session.caller.now);
        self.disconnect();
        (self.session.asking, self.session.caller.now) = (asking, now);
    }

    fn agree(&mut self, aarq: &Aarq<'_>) -> Result<Agreed, Refusal> {
        if !aarq.speaks_version_1 {
            return Err(provider(ProviderDiagnostic::NoCommonAcseVersion));
        }
        let index = self.find(aarq)?;
        let server_max_receive_pdu_size = self.max_receive();
        let Self { associations, pieces, crypto, import, session, .. } = self;
        let association = associations.get_mut(index).ok_or(user(UserDiagnostic::NoReasonGiven))?;
        check_context(association, aarq.application_context_name)?;
        let value = aarq.calling_authentication_value.map_or(&[][..], |Hidden(value)| value);
        if !association.authentication.is_password(value) {
            return Err(user(UserDiagnostic::AuthenticationFailure));
        }
        introduce(association, aarq)?;
        let information = copy(pieces, aarq.user_information.map_or(&[], |Hidden(bytes)| bytes));
        let (initiate, reply) = open_initiate(association, crypto, information)?;
        check_initiate(offered(association, aarq.application_context_name), &initiate)?;
        if let Some(Hidden(key)) = initiate.dedicated_key {
            take_dedicated(association, *import, key, reply)?;
        }
        let caller = Caller {
            now: session.caller.now,
            client: session.asking.0,
            server: session.asking.1,
            context: aarq.application_context_name.number().unwrap_or_default(),
            mechanism: association.authentication.number(),
            conformance: initiate.proposed_conformance & offered(association, aarq.application_context_name),
            client_max_receive_pdu_size: initiate.client_max_receive_pdu_size,
            server_max_receive_pdu_size,
            protection: Protection::NONE,
        };
        Ok(Agreed { index, caller, reply })
    }

    /// Finds the client, among whose associations the mechanism decides.
    fn find(&self, aarq: &Aarq<'_>) -> Result<usize, Refusal> {
        let client = self.session.asking.0;
        let number = aarq.mechanism_name.map_or(Some(0), |name| name.number());
        let mut of_client = self.associations.iter().enumerate().filter(|(_, a)| a.client == client);
        let known = of_client.clone().next().is_some();
        let found = of_client.find(|(_, association)| Some(association.authentication.number()) == number);
        found.map(|(index, _)| index).ok_or(user(match (known, number) {
            (false, _) => UserDiagnostic::NoReasonGiven,
            (true, Some(0)) => UserDiagnostic::AuthenticationMechanismNameRequired,
            (true, _) => UserDiagnostic::AuthenticationMechanismNameNotRecognised,
        }))
    }

    /// The longest request that there is room for.
    fn max_receive(&mut self) -> u16 {
        let room = self.link.apdu_mut().len().min(self.request_room);
        u16::try_from(room).unwrap_or(u16::MAX).min(self.max_receive_pdu_size)
    }

    fn accept(&mut self, aarq: &Aarq<'_>, agreed: Agreed) -> usize {
        let Agreed { index, caller, reply } = agreed;
        let mechanism = aarq.mechanism_name.unwrap_or(MechanismName::Lowest);
        let is_proven = !mechanism.has_four_passes();
        self.session.begin(index, caller, is_proven);
        self.session.opening = reply;
        if !is_proven {
            let value = aarq.calling_authentication_value.map_or(&[][..], |Hidden(value)| value);
            self.session.peer = Challenge::new(value);
            self.session.own = self.challenge();
        }
        let information = self.initiate_response(reply);
        let Self { link, pieces, session, associations, .. } = self;
        let title = session.association(associations).and_then(|association| {
            let shown = caller.context > 2 || association.authentication.needs_titles();
            association.security.as_ref().filter(|_| shown).map(crate::security::Context::own_title)
        });
        let diagnostic =
            if is_proven { UserDiagnostic::Null } else { UserDiagnostic::AuthenticationRequired };
        let mut aare = Aare::new(
            aarq.application_context_name,
            AssociationResult::Accepted,
            Diagnostic::User(diagnostic),
        );
        if !is_proven {
            aare = aare.with_authentication(mechanism, session.own.bytes());
        }
        aare.responding_ap_title = title.as_ref().map(|title| &title.bytes()[..]);
        aare.user_information = pieces.get(..information).map(Hidden);
        let mut writer = Writer::new(link.apdu_mut());
        aare.emit(&mut writer).map(|()| writer.finish()).unwrap_or_default()
    }

    /// A challenge: one block, which mechanism 2 encrypts; twice that where hashes and signatures are longer.
    fn challenge(&mut self) -> Challenge {
        let mut challenge = [0; 32];
        let length = if self.session.caller.mechanism < 6 { 16 } else { 32 };
        let challenge = challenge.get_mut(..length).unwrap_or_default();
        self.store.challenge(challenge);
        Challenge::new(challenge)
    }

    /// Writes the initiate-response into `pieces`, protected as the request was, and gives its length.
    fn initiate_response(&mut self, reply: Option<Reply>) -> usize {
        let Self { pieces, session, associations, crypto, .. } = self;
        let Caller { conformance, server_max_receive_pdu_size, .. } = session.caller;
        let name = if session.caller.is_short_name() {
            InitiateResponse::SHORT_NAME_VAA
        } else {
            InitiateResponse::LOGICAL_NAME_VAA
        };
        let mut writer = Writer::new(pieces);
        let response = InitiateResponse::new(conformance, server_max_receive_pdu_size, name);
        let length = response.emit(&mut writer).map(|()| writer.finish()).unwrap_or_default();
        let context = session.association(associations).and_then(|a| a.security.as_mut());
        match (context, reply) {
            (Some(context), Some(Reply { protection, .. })) => {
                let how = Outgoing { protection, ..Outgoing::GLOBAL };
                context.protect(crypto, how, pieces, length).unwrap_or_default()
            }
            _ => length,
        }
    }

    fn reject(&mut self, context: ContextName<'_>, Refusal(diagnostic, error): &Refusal) -> usize {
        let mut aare = Aare::new(context, AssociationResult::RejectedPermanent, *diagnostic);
        let mut bytes = [0; 4];
        let mut information = Writer::new(&mut bytes);
        let (class, value) = NOT_ACCEPTED;
        let error = error.unwrap_or(ServiceError { class, value });
        let error = ConfirmedServiceError { service: ConfirmedService::Initiate, error };
        let is_written = error.emit(&mut information).is_ok();
        let has_information = is_written && !self.quirks.refuses_bare;
        aare.user_information = has_information.then_some(Hidden(information.written()));
        self.write(|writer| aare.emit(writer))
    }
}

/// Whether objects may be named, and services protected, as the client wants it.
fn check_context<K>(association: &Association<'_, K>, context: ContextName<'_>) -> Result<(), Refusal> {
    let is_named = match association.referencing {
        Referencing::Logical => !context.is_short_name(),
        Referencing::Short => context.is_short_name(),
        Referencing::Any => true,
    };
    let is_protected = match &association.security {
        None => !context.is_ciphered(),
        Some(security) => context.is_ciphered() || security.required() == Protection::NONE,
    };
    let is_known = context.number().is_some();
    if is_known && is_named && is_protected {
        Ok(())
    } else {
        Err(user(UserDiagnostic::ApplicationContextNameNotSupported))
    }
}

/// Takes the client's title, where one is needed or given.
fn introduce<K>(association: &mut Association<'_, K>, aarq: &Aarq<'_>) -> Result<(), Refusal> {
    let title = aarq.calling_ap_title.map(SystemTitle::try_from).transpose();
    let title = title.map_err(|_| user(UserDiagnostic::CallingApTitleNotRecognized))?;
    let needed = aarq.application_context_name.is_ciphered() || association.authentication.needs_titles();
    match (title, association.security.as_mut()) {
        (Some(title), Some(security)) => security.set_peer(title),
        (None, Some(security)) if needed && security.peer().is_none() => {
            return Err(user(UserDiagnostic::CallingApTitleNotRecognized));
        }
        (_, None) if matches!(association.authentication, Authentication::Gmac) => {
            return Err(user(UserDiagnostic::AuthenticationMechanismNameNotRecognised));
        }
        _ => {}
    }
    Ok(())
}

fn open_initiate<'i, C: Crypto>(
    association: &mut Association<'_, C::Key>,
    crypto: &C,
    information: &'i mut [u8],
) -> Result<(InitiateRequest<'i>, Option<Reply>), Refusal> {
    let (range, reply) = match association.security.as_mut() {
        Some(context) => {
            let opened = unprotect(context, crypto, information);
            let (range, reply, _) = opened.map_err(|_| initiate_error(DECIPHERING))?;
            (range, reply)
        }
        None => (0..information.len(), None),
    };
    let initiate = InitiateRequest::parse(information.get(range).unwrap_or_default());
    initiate.map(|initiate| (initiate, reply)).map_err(|_| initiate_error(NOT_ACCEPTED))
}

fn check_initiate(offered: Conformance, initiate: &InitiateRequest<'_>) -> Result<(), Refusal> {
    if initiate.proposed_dlms_version_number < VERSION {
        return Err(initiate_error(VERSION_TOO_LOW));
    }
    if !initiate.proposed_conformance.intersects(offered) {
        return Err(initiate_error(CONFORMANCE));
    }
    if (1..SHORTEST_PDU).contains(&initiate.client_max_receive_pdu_size) {
        return Err(initiate_error(PDU_SIZE));
    }
    Ok(())
}

/// What the meter can do in this association, by this way to name objects.
fn offered<K>(association: &Association<'_, K>, context: ContextName<'_>) -> Conformance {
    let of_names = if context.is_short_name() { SHORT_NAMES } else { LOGICAL_NAMES };
    association.conformance & of_names.union(BOTH)
}

/// A dedicated key comes only in a request that was protected.
fn take_dedicated<K>(
    association: &mut Association<'_, K>,
    import: Option<Import<K>>,
    key: &[u8],
    reply: Option<Reply>,
) -> Result<(), Refusal> {
    let security = association.security.as_mut().filter(|_| reply.is_some_and(|r| r.key == KeyUse::Global));
    let key = import.and_then(|import| import(key));
    let (Some(security), Some(key)) = (security, key) else { return Err(initiate_error(NOT_ACCEPTED)) };
    security.set_dedicated(Some(key));
    Ok(())
}

/// Copies bytes to the front of a buffer; nothing where they do not fit.
fn copy<'p>(pieces: &'p mut [u8], bytes: &[u8]) -> &'p mut [u8] {
    let kept = pieces.get_mut(..bytes.len()).unwrap_or_default();
    kept.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
    kept
}

const fn user(diagnostic: UserDiagnostic) -> Refusal {
    Refusal(Diagnostic::User(diagnostic), None)
}

const fn provider(diagnostic: ProviderDiagnostic) -> Refusal {
    Refusal(Diagnostic::Provider(diagnostic), None)
}

const fn initiate_error((class, value): (u8, u8)) -> Refusal {
    Refusal(Diagnostic::User(UserDiagnostic::NoReasonGiven), Some(ServiceError { class, value }))
}

const BOTH: Conformance = Conformance::GENERAL_PROTECTION
    .union(Conformance::GENERAL_BLOCK_TRANSFER)
    .union(Conformance::BLOCK_TRANSFER_WITH_GET_OR_READ)
    .union(Conformance::BLOCK_TRANSFER_WITH_SET_OR_WRITE)
    .union(Conformance::MULTIPLE_REFERENCES)
    .union(Conformance::DATA_NOTIFICATION);
const LOGICAL_NAMES: Conformance = Conformance::GET
    .union(Conformance::SET)
    .union(Conformance::ACTION)
    .union(Conformance::BLOCK_TRANSFER_WITH_ACTION)
    .union(Conformance::SELECTIVE_ACCESS);
const SHORT_NAMES: Conformance = Conformance::READ
    .union(Conformance::WRITE)
    .union(Conformance::UNCONFIRMED_WRITE)
    .union(Conformance::PARAMETERIZED_ACCESS);
const DECIPHERING: (u8, u8) = (0, 6);
const VERSION_TOO_LOW: (u8, u8) = (6, 1);
const CONFORMANCE: (u8, u8) = (6, 2);
const PDU_SIZE: (u8, u8) = (6, 3);
/// `refused-by-the-VDE-handler`.
const NOT_ACCEPTED: (u8, u8) = (6, 4);
const VERSION: u8 = 6;
/// The shortest APDU that a client must take (Green Book 9.4.6.1).
const SHORTEST_PDU: u16 = 12;
