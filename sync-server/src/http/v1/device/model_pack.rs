//! A pack's archive, for a device that is to run it.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT_RANGES, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::stream;
use ostiary_common::ids::PackId;

use crate::domain::device::{Device, DeviceState};
use crate::domain::model_pack::ModelPack;
use crate::http::api::Api;
use crate::http::extract::{ClientAddress, TextInPath};
use crate::http::problem::{ApiError, Problem};

/// Bytes read of the store at once.
const PIECE: usize = 256 * 1024;

/// A pack's archive, or the rest of it (`Range: bytes=N-`). For devices alone, by their token; given are packs a device
/// is told to run.
#[utoipa::path(get, path = "/api/v1/device/model-packs/{id}", operation_id = "device_model_pack", tag = "device",
    params(("id" = String, Path, description = "The pack, `name@version`")),
    responses(
        (status = 200, description = "The archive", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The rest of it", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 401, description = "`renewal-refused`: the device's token", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not-found`: it is not told to run this pack", body = Problem,
            content_type = "application/problem+json"),
        (status = 400, description = "`bad-request`: nothing lies behind that place", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.device.model_pack", skip_all)]
pub async fn download(
    State(api): State<Api>,
    address: ClientAddress,
    TextInPath(id): TextInPath,
    request: Request,
) -> Result<Response, ApiError> {
    api.limits.renewal(address).await?;
    let device = device(&api, request.headers()).await?;
    api.limits.device(device.id).await?;
    let id = PackId::parse(&id).map_err(|_| ApiError::NotFound("model pack"))?;
    let wanted = device.pack.as_ref().is_some_and(|order| order.run == id || order.hold.as_ref() == Some(&id));
    let pack = api.packs.store.model_pack(&id).await?.filter(|_| wanted).ok_or(ApiError::NotFound("model pack"))?;
    let size = pack.archive.as_ref().map(|file| file.size_bytes).ok_or(ApiError::NotFound("model pack"))?;
    let from = begin(request.headers());
    if from.is_some_and(|from| from >= size) {
        return Err(ApiError::BadRequest(format!("the archive has {size} bytes")));
    }
    answer(&api, &pack, from, size)
}

fn answer(api: &Api, pack: &ModelPack, from: Option<u64>, size: u64) -> Result<Response, ApiError> {
    let begin = from.unwrap_or(0);
    let mut response = Response::builder()
        .header(CONTENT_TYPE, "application/octet-stream")
        .header(ACCEPT_RANGES, "bytes")
        .header(CONTENT_LENGTH, size - begin);
    if from.is_some() {
        let range = format!("bytes {begin}-{}/{size}", size - 1);
        response = response.status(StatusCode::PARTIAL_CONTENT).header(CONTENT_RANGE, range);
    }
    let state = (api.packs.store.clone(), pack.id.clone(), begin);
    let pieces = stream::try_unfold(state, move |(store, id, at)| async move {
        if at >= size {
            return Ok(None);
        }
        let piece = store.pack_bytes(&id, at, PIECE).await.map_err(std::io::Error::other)?;
        let piece = piece.filter(|piece| !piece.is_empty()).ok_or_else(|| std::io::Error::other("the pack is gone"))?;
        let next = at + piece.len() as u64;
        Ok::<_, std::io::Error>(Some((piece, (store, id, next))))
    });
    response.body(Body::from_stream(pieces)).map_err(|error| ApiError::Internal(error.to_string()))
}

/// The place a device wants the rest from, if it has a part: `bytes=N-` alone is understood, all else is the whole.
fn begin(headers: &HeaderMap) -> Option<u64> {
    headers.get(RANGE)?.to_str().ok()?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

/// The device whose token this is.
async fn device(api: &Api, headers: &HeaderMap) -> Result<Device, ApiError> {
    let refused = |why: &str| ApiError::DeviceRefused { slug: "renewal-refused", detail: why.to_owned() };
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| refused("a device shows its token: `Authorization: Bearer …`"))?;
    let claims = api.tokens.check_device(token, api.now()).map_err(|error| refused(&error.to_string()))?;
    let device = api.store.device(claims.sub).await?.filter(|device| device.state == DeviceState::Active);
    let device = device.ok_or_else(|| refused("there is no such device"))?;
    if device.claimed_at.is_some_and(|at| claims.iat < at.as_unix_seconds()) {
        return Err(refused("the token is from before the device was claimed again"));
    }
    Ok(device)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_the_rest_is_understood() {
        let check = |range: &str, expected| {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_str(range).unwrap());
            assert_eq!(begin(&headers), expected, "{range}");
        };
        check("bytes=0-", Some(0));
        check("bytes=1048576-", Some(1_048_576));
        check("bytes=0-99", None);
        check("bytes=-5", None);
        check("items=1-", None);
        check("bytes=99999999999999999999-", None);
        assert_eq!(begin(&HeaderMap::new()), None);
    }
}
