//! Templates that take the place of others.

use async_trait::async_trait;
use ostiary_common::ids::TemplateId;
use ostiary_common::wire::Revision;
use ostiary_models::face_crop::FaceCrop;

use super::StoreError;
use crate::domain::person::Template;

/// Adds and removes templates together.
#[async_trait]
pub trait TemplateStore: Send + Sync {
    /// Adds a template in place of others of the same person, in one revision; [`StoreError::Conflict`] if its photo
    /// made one of the person already. With its picture, if that is to be kept.
    async fn put_template(
        &self,
        template: &Template,
        crop: Option<&FaceCrop>,
        instead_of: &[TemplateId],
    ) -> Result<Revision, StoreError>;
}
