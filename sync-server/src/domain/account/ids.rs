//! Identifiers of sessions, invitations and keys: UUIDs of version 7, which sort by the time they were made.

use ostiary_common::ids::uuid_id;

uuid_id!(/// This installation; stands in its people's tokens.
    InstallationId, "installation");
uuid_id!(/// Somebody being logged in somewhere: one family of refresh tokens, or one cookie.
    SessionId, "session");
uuid_id!(/// An invitation.
    InvitationId, "invitation");
uuid_id!(/// An API key.
    ApiKeyId, "API key");
