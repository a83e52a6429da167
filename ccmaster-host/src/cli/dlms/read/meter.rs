//! A meter with which there is an association.

use ccm_core::crypto::Software;
use ccm_dlms::message::cosem::{AssociationLn, AssociationSn, ObjectElementSn};
use ccm_dlms::message::data::Data;
use ccm_dlms::message::{
    AttributeAccess, Encoded, GetDataResult, Hidden, ReadResult, SelectiveAccess, VariableAccess,
};
use ccm_dlms::script::{Answer, Session, SessionError};
use ccm_dlms::{Error, message::data::DataError};

use super::arguments::IdentityArgs;
use super::dialogue::Dialogue;
use super::identity::{Identity, random};
use super::target::Target;
use crate::cli::dlms::error::{stop, stop_opening};
use crate::cli::stop::Stop;

/// The association, and the dialogue that carries it.
pub(super) struct Meter<'s> {
    dialogue: Dialogue,
    session: Session<'s, Software>,
    buffer: Vec<u8>,
    names: Names,
}

/// How objects are named.
enum Names {
    Logical,
    /// What the object list says, once it was read.
    Short(Vec<ObjectElementSn>),
}

/// A part of an attribute: its selector and parameters.
pub(super) type Selection<'a> = Option<SelectiveAccess<'a>>;

impl<'s> Meter<'s> {
    /// Associates.
    pub(super) async fn open(
        mut dialogue: Dialogue,
        mut session: Session<'s, Software>,
        identity: &Identity,
        arguments: &IdentityArgs,
    ) -> Result<Self, Stop> {
        let challenge: [u8; 16] = random()?;
        let dedicated = identity.dedicated(arguments)?;
        let mut opening = session.open(&challenge);
        if let Some((bytes, key)) = &dedicated {
            opening = opening.with_dedicated_key(Hidden(bytes), key.clone());
        }
        dialogue.try_run(&mut opening).await?.map_err(|error| stop_opening(&error))?;
        tracing::debug!("associated: {:?}", session.agreed());
        let names = if arguments.short_names { Names::Short(Vec::new()) } else { Names::Logical };
        let mut meter = Self { dialogue, session, buffer: vec![0; BUFFER], names };
        if arguments.short_names {
            meter.learn_names().await?;
        }
        Ok(meter)
    }

    /// Whether more can be asked.
    pub(super) const fn is_open(&self) -> bool {
        self.session.is_open() && !self.dialogue.is_broken()
    }

    /// Ends the association. What was read is good, however that goes.
    pub(super) async fn close(mut self) {
        if self.dialogue.is_broken() {
            return;
        }
        if let Err(error) = self.dialogue.run(&mut self.session.close()).await {
            tracing::warn!("the association did not end well: {error:?}");
        }
    }

    /// Reads an attribute, or a part of it: one encoded `Data`.
    pub(super) async fn get(&mut self, target: Target, access: Selection<'_>) -> Result<Vec<u8>, Stop> {
        let Self { dialogue, session, buffer, names } = self;
        let Names::Short(list) = names else {
            let attribute = AttributeAccess { attribute: target.attribute(), access };
            let mut transfer = session.get(attribute, buffer);
            dialogue.run(&mut transfer).await?;
            return Ok(transfer.value().to_vec());
        };
        let variables = [variable(list, target, access)?];
        let mut transfer = session.read(&variables, buffer);
        dialogue.run(&mut transfer).await?;
        Ok(transfer.value().to_vec())
    }

    /// Reads several attributes in one request.
    pub(super) async fn get_all(&mut self, targets: &[Target]) -> Result<Vec<Result<Vec<u8>, Stop>>, Stop> {
        let Self { dialogue, session, buffer, names } = self;
        let Names::Short(list) = names else {
            let whole = |target: &Target| AttributeAccess::whole(target.attribute());
            let attributes: Vec<_> = targets.iter().map(whole).collect();
            let mut transfer = session.get_list(&attributes, buffer);
            dialogue.run(&mut transfer).await?;
            return values(transfer.answer().map_err(|error| stop(&error))?);
        };
        let variables: Result<Vec<_>, _> =
            targets.iter().map(|target| variable(list, *target, None)).collect();
        let variables = variables?;
        let mut transfer = session.read(&variables, buffer);
        dialogue.run(&mut transfer).await?;
        values(transfer.answer().map_err(|error| stop(&error))?)
    }

    /// Writes an attribute.
    pub(super) async fn set(&mut self, target: Target, data: &[u8]) -> Result<(), Stop> {
        let Self { dialogue, session, buffer, names } = self;
        let Names::Short(list) = names else {
            let attribute = AttributeAccess::whole(target.attribute());
            return dialogue.run(&mut session.set(attribute, data, buffer)).await;
        };
        let (variables, values) = ([variable(list, target, None)?], [Encoded(data)]);
        dialogue.run(&mut session.write(&variables, &values, buffer)).await
    }

    /// Invokes a method and gives what it returns, empty where that is nothing.
    pub(super) async fn action(&mut self, target: Target, data: Option<&[u8]>) -> Result<Vec<u8>, Stop> {
        let Self { dialogue, session, buffer, names } = self;
        if matches!(names, Names::Short(_)) {
            return Err(Stop::failed("not-negotiated", "methods have no short names that could be known"));
        }
        let mut transfer = session.action(target.method(), data, buffer);
        dialogue.run(&mut transfer).await?;
        Ok(transfer.value().to_vec())
    }

    /// The object list, one encoded `Data`, and whether it has short names.
    pub(super) async fn objects(&mut self, association: Target) -> Result<(Vec<u8>, bool), Stop> {
        if matches!(self.names, Names::Short(_)) {
            return Ok((self.short_names().await?, true));
        }
        let class = AssociationLn::CLASS_ID;
        let list = Target { class, member: AssociationLn::OBJECT_LIST, ..association };
        Ok((self.get(list, None).await?, false))
    }

    async fn short_names(&mut self) -> Result<Vec<u8>, Stop> {
        let base = self.session.settings().association_short_name;
        let variables = [VariableAccess::VariableName(base + 8)];
        let mut transfer = self.session.read(&variables, &mut self.buffer);
        self.dialogue.run(&mut transfer).await?;
        Ok(transfer.value().to_vec())
    }

    async fn learn_names(&mut self) -> Result<(), Stop> {
        let bytes = self.short_names().await?;
        let list: Result<Vec<_>, DataError> =
            Data::parse(&bytes).and_then(AssociationSn::object_list).and_then(Iterator::collect);
        self.names = Names::Short(list.map_err(|error| stop(&error.into()))?);
        Ok(())
    }
}

/// What to ask for by short name.
fn variable<'a>(
    list: &[ObjectElementSn],
    target: Target,
    access: Selection<'a>,
) -> Result<VariableAccess<'a>, Stop> {
    let known = |object: &&ObjectElementSn| object.logical_name.bytes() == Some(target.name);
    let index = u8::try_from(target.member).ok();
    let name = list.iter().find(known).and_then(|object| object.attribute(index?));
    let Some(variable_name) = name else {
        return Err(Stop::failed("object-undefined", format!("no short name for {}", target.obis())));
    };
    Ok(match access {
        None => VariableAccess::VariableName(variable_name),
        Some(SelectiveAccess { selector, parameters: parameter }) => {
            VariableAccess::Parameterized { variable_name, selector, parameter }
        }
    })
}

fn values(answer: Answer<'_>) -> Result<Vec<Result<Vec<u8>, Stop>>, Stop> {
    let refused = |result| Err(stop(&Error::from(SessionError::Access(result))));
    match answer {
        Answer::Value(data) => Ok(vec![Ok(data.to_vec())]),
        Answer::Got(list) => Ok(list
            .iter()
            .map(|item| match item {
                GetDataResult::Data(Encoded(data)) => Ok(data.to_vec()),
                GetDataResult::Result(result) => refused(result),
            })
            .collect()),
        Answer::Read(list) => Ok(list
            .iter()
            .map(|item| match item {
                ReadResult::Data(Encoded(data)) => Ok(data.to_vec()),
                ReadResult::Error(result) => refused(result),
                _ => Err(Stop::failed("unexpected", "a part of the answer is no value")),
            })
            .collect()),
        _ => Err(Stop::failed("unexpected", "the answer is no list of values")),
    }
}

/// More than any profile or list has.
const BUFFER: usize = 16 << 20;
