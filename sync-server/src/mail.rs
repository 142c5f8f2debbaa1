//! Messages over SMTP.

use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters, TlsParametersBuilder};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::config::{MailConfig, MailTls};
use crate::ports::mailer::{MailError, Mailer, Message};

/// How long the mail server may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A mail server reached by SMTP.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// Ready to send; nothing is connected yet.
    ///
    /// # Errors
    /// If the password or the CA cannot be read, or the sender is no address.
    pub fn new(config: &MailConfig) -> Result<Self> {
        let host = config.smtp_host.as_str();
        let tls = match config.tls {
            MailTls::Implicit => Tls::Wrapper(parameters(config)?),
            MailTls::Starttls => Tls::Required(parameters(config)?),
            MailTls::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(config.port()).tls(tls);
        if let Some(path) = config.password_path() {
            let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let password = text.lines().next().unwrap_or_default().to_owned();
            builder = builder.credentials(Credentials::new(config.username.clone(), password));
        }
        let address: Address = config.from.parse().context("mail.from")?;
        let from = Mailbox::new(Some("Ostiary".into()), address);
        Ok(Self { transport: builder.timeout(Some(TIMEOUT)).build(), from })
    }
}

fn parameters(config: &MailConfig) -> Result<TlsParameters> {
    let builder = TlsParametersBuilder::new(config.smtp_host.clone());
    let builder = match config.ca_file.as_str() {
        "" => builder,
        path => {
            let pem = std::fs::read(path).with_context(|| format!("reading {path} (mail.ca_file)"))?;
            let ca = Certificate::from_pem(&pem).with_context(|| format!("{path} is no certificate"))?;
            builder.certificate_store(CertificateStore::None).add_root_certificate(ca)
        }
    };
    builder.build().context("TLS for mail")
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let refused = |e: String| MailError::Refused(e);
        let to: Address =
            message.to.as_str().parse().map_err(|e: lettre::address::AddressError| refused(e.to_string()))?;
        let built = built(&self.from, to, message).map_err(|e| refused(e.to_string()))?;
        match self.transport.send(built).await {
            Ok(_) => Ok(()),
            Err(e) if e.is_permanent() => Err(refused(e.to_string())),
            Err(e) => Err(MailError::Later(e.to_string())),
        }
    }
}

/// How a message of which there may be many is ended.
#[derive(Clone)]
struct ListUnsubscribe(String);

/// That one click does it (RFC 8058).
#[derive(Clone)]
struct ListUnsubscribePost;

impl Header for ListUnsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), format!("<{}>", self.0))
    }
}

impl Header for ListUnsubscribePost {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe-Post")
    }

    fn parse(_text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "List-Unsubscribe=One-Click".into())
    }
}

/// The message as it goes over the wire: text alone, or text and HTML, which may show a picture.
fn built(from: &Mailbox, to: Address, message: &Message) -> Result<lettre::Message, lettre::error::Error> {
    let mut head =
        lettre::Message::builder().from(from.clone()).to(Mailbox::new(None, to)).subject(message.subject.clone());
    if let Some(bulk) = &message.bulk {
        let id = format!("<{}@{}>", bulk.id, from.email.domain());
        head = head.message_id(Some(id)).header(ListUnsubscribe(bulk.unsubscribe.clone())).header(ListUnsubscribePost);
    }
    let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(message.text.to_string());
    let Some(html) = &message.html else { return head.singlepart(text) };
    let html = SinglePart::builder().header(ContentType::TEXT_HTML).body(html.to_string());
    let parts = MultiPart::alternative().singlepart(text);
    let Some(picture) = &message.picture else { return head.multipart(parts.singlepart(html)) };
    let jpeg: ContentType = "image/jpeg".parse().expect("a media type");
    let shown = Attachment::new_inline("picture".into()).body(picture.clone(), jpeg);
    head.multipart(parts.multipart(MultiPart::related().singlepart(html).singlepart(shown)))
}
