//! Why a request is answered the way it is: key, tiers, freshness as a sum, what decided, and the rule that it comes from.
//!
//! Pure: facts and `now` come in, a [`report::Report`] or the value of one header field goes out.

pub(crate) mod decide;
pub(crate) mod describe;
pub(crate) mod field;
pub(crate) mod inquiry;
pub(crate) mod reckon;
pub(crate) mod report;
pub(crate) mod text;
