//! Any APDU, told by its tag.

use ccm_core::{Full, Writer};

use super::cursor::Cursor;
use super::{
    Aare, Aarq, ActionRequest, ActionResponse, ConfirmedServiceError, DataNotification, EventNotification,
    ExceptionResponse, Fault, GeneralBlockTransfer, GetRequest, GetResponse, InformationReport,
    InitiateRequest, InitiateResponse, Invoked, MessageError, ReadRequest, ReadResponse, ReleaseRequest,
    ReleaseResponse, SetRequest, SetResponse, UnconfirmedWriteRequest, WriteRequest, WriteResponse, tag,
};

/// What is protected: opened by the security layer, which gives an APDU again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ciphered<'a> {
    /// Which service, and whether with the global or the dedicated key: 0xC8 is a ciphered get-request, 0xDB general.
    pub tag: u8,
    /// All behind the tag.
    pub content: &'a [u8],
}

macro_rules! apdus {
    ($($tag:ident $name:ident($type:ty), $text:literal;)*) => {
        /// An APDU of either side, plain or ciphered.
        ///
        /// Who knows what must come does better with the type's own `parse`: it is smaller.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum Apdu<'a> {
            $(#[doc = $text] $name($type),)*
            /// A protected APDU of any kind.
            Ciphered(Ciphered<'a>),
        }

        impl<'a> Apdu<'a> {
            /// Reads a whole APDU, tag first.
            ///
            /// # Errors
            /// A tag that is none, or the first field that cannot be, and where it stands.
            pub fn parse(apdu: &'a [u8]) -> Result<Self, MessageError> {
                let mut cursor = Cursor::new(apdu);
                let start = cursor;
                let message = match cursor.u8("APDU tag")? {
                    $(tag::$tag => Self::$name(<$type>::read(&mut cursor)?),)*
                    tag if tag::is_ciphered(tag) => {
                        Self::Ciphered(Ciphered { tag, content: cursor.rest("ciphered APDU")? })
                    }
                    found => return Err(start.fail("APDU tag", Fault::Choice { found })),
                };
                cursor.finish("APDU")?;
                Ok(message)
            }

            /// Writes the whole APDU, tag first.
            ///
            /// # Errors
            /// [`Full`] where it does not fit.
            pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
                match self {
                    $(Self::$name(message) => message.emit(writer),)*
                    Self::Ciphered(Ciphered { tag, content }) => {
                        writer.u8(*tag)?;
                        writer.slice(content)
                    }
                }
            }

            /// The tag.
            pub const fn tag(&self) -> u8 {
                match self {
                    $(Self::$name(_) => tag::$tag,)*
                    Self::Ciphered(Ciphered { tag, .. }) => *tag,
                }
            }
        }
    };
}

apdus! {
    INITIATE_REQUEST InitiateRequest(InitiateRequest<'a>), "The user information of an AARQ.";
    READ_REQUEST ReadRequest(ReadRequest<'a>), "Reads by short name.";
    WRITE_REQUEST WriteRequest(WriteRequest<'a>), "Writes by short name.";
    INITIATE_RESPONSE InitiateResponse(InitiateResponse), "The user information of an AARE.";
    READ_RESPONSE ReadResponse(ReadResponse<'a>), "Answers a read request.";
    WRITE_RESPONSE WriteResponse(WriteResponse<'a>), "Answers a write request.";
    CONFIRMED_SERVICE_ERROR ConfirmedServiceError(ConfirmedServiceError), "Refuses Initiate, Read or Write.";
    DATA_NOTIFICATION DataNotification(DataNotification<'a>), "A push.";
    UNCONFIRMED_WRITE_REQUEST UnconfirmedWriteRequest(UnconfirmedWriteRequest<'a>), "Writes without an answer.";
    INFORMATION_REPORT InformationReport(InformationReport<'a>), "Reports by short name.";
    AARQ Aarq(Aarq<'a>), "Asks for an association.";
    AARE Aare(Aare<'a>), "Answers an AARQ.";
    RLRQ ReleaseRequest(ReleaseRequest<'a>), "Wants to end an association.";
    RLRE ReleaseResponse(ReleaseResponse<'a>), "Ends an association.";
    GET_REQUEST GetRequest(Invoked<GetRequest<'a>>), "Reads attributes.";
    SET_REQUEST SetRequest(Invoked<SetRequest<'a>>), "Writes attributes.";
    EVENT_NOTIFICATION EventNotification(EventNotification<'a>), "Notifies of an attribute.";
    ACTION_REQUEST ActionRequest(Invoked<ActionRequest<'a>>), "Invokes methods.";
    GET_RESPONSE GetResponse(Invoked<GetResponse<'a>>), "Answers a get-request.";
    SET_RESPONSE SetResponse(Invoked<SetResponse<'a>>), "Answers a set-request.";
    ACTION_RESPONSE ActionResponse(Invoked<ActionResponse<'a>>), "Answers an action-request.";
    EXCEPTION_RESPONSE ExceptionResponse(ExceptionResponse), "The server cannot answer.";
    GENERAL_BLOCK_TRANSFER GeneralBlockTransfer(GeneralBlockTransfer<'a>), "A block of another APDU.";
}
