"""The settings: what can be set, and one frozen object that holds it.

Promise: values come from one `mailctl.toml` and from `MAILCTL_SECTION__KEY`, which wins; every key that is
unknown and every value that is wrong is reported at once, with where it stands; a secret is never shown.
The reading itself is in settings_layers.py.

pydantic rather than pydantic-settings: its environment source skips unknown variables in silence and stops
at the first value that does not parse, and importing it costs 100 ms in each `mailctl verify`.
"""

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from mailctl.errors import HostCannot
from mailctl.standards.addresses import mail_address
from mailctl.standards.names import host_name, record_name

MASK = "********"


def _split(value: Any) -> Any:
    """A list as an environment variable writes it: separated by commas or blanks."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _no_bool(value: Any) -> Any:
    # pydantic takes `true` for 1, which in a settings file is a slip and not a number.
    if isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


def _tsig_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?", text):
        raise ValueError("must be a DNS name, such as mailctl or key.example.org")
    return text.rstrip(".").lower()


def _endpoint(text: str) -> str:
    """An address with an optional port: 192.0.2.53, 192.0.2.53:5353, [2001:db8::53]:53."""
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::([0-9]{1,5}))?", text)
    plain = re.fullmatch(r"([0-9.]+):([0-9]{1,5})", text)
    found = bracketed or plain
    address, port = (found[1], found[2] or "53") if found else (text, "53")
    try:
        ip_address(address)
    except ValueError:
        raise ValueError("must be an IP address, with a port if you like: 192.0.2.53:53") from None
    if not 0 < int(port) < 65536:
        raise ValueError("the port must be between 1 and 65535")
    return text


def _server(text: str) -> str:
    """An endpoint, or a host name with an optional port."""
    try:
        return _endpoint(text)
    except ValueError:
        host, _, port = text.partition(":")
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError("must be an IP address or a host name, with a port if you like") from None
        return f"{host_name(host)}:{port}" if port else host_name(host)


def _publisher(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", text):
        raise ValueError("must be manual, rfc2136 or the name of a lexicon provider, such as hetzner")
    return text


def _store_url(text: str) -> str:
    if text.startswith("sqlite:///") and len(text) > len("sqlite:///"):
        return text
    parts = urlsplit(text)
    if re.match(r"postgresql(\+psycopg)?://", text) and parts.path.strip("/"):
        return text
    raise ValueError("must be sqlite:///PATH or postgresql://USER@HOST/DATABASE")


HostName = Annotated[str, AfterValidator(host_name)]
ZoneName = Annotated[str, AfterValidator(record_name)]
Number = Annotated[int, BeforeValidator(_no_bool)]
MailAddress = Annotated[str, AfterValidator(mail_address)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
Many = BeforeValidator(_split)


class Section(BaseModel):
    """One table of the settings file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class StoreSettings(Section):
    url: Annotated[str, AfterValidator(_store_url)] = Field(
        description="Where tenants, domains and keys are kept: sqlite:///PATH or postgresql://USER@HOST/NAME."
    )


class HostSettings(Section):
    name: HostName | None = Field(
        default=None, description="The full name this host sends as. Unset: the system's."
    )
    ipv4: Annotated[tuple[IPv4Address, ...], Many] = Field(
        default=(), description="The IPv4 addresses mail leaves from. Empty: found out."
    )
    ipv6: Annotated[tuple[IPv6Address, ...], Many] = Field(
        default=(), description="The IPv6 addresses mail leaves from. Empty: found out."
    )
    postmaster: MailAddress | None = Field(
        default=None, description="Who reads the mail of this host's postmaster."
    )


class DnsSettings(Section):
    publisher: Annotated[str, AfterValidator(_publisher)] = Field(
        default="manual",
        description='How records get into the zone: "manual", "rfc2136", or a lexicon provider.',
    )
    nameservers: Annotated[tuple[Endpoint, ...], Many] = Field(
        default=(), description="The resolvers to ask. Empty: those of the system."
    )
    authoritative_port: Annotated[Number, Field(ge=1, le=65535)] = Field(
        default=53, description="The port of authoritative servers; another one only in a laboratory."
    )
    ttl: Annotated[Number, Field(ge=30, le=604800)] = Field(
        default=3600, description="Seconds that published records live."
    )
    zone: ZoneName | None = Field(
        default=None, description="The zone to publish in. Unset: found by its SOA record."
    )
    server: Annotated[str, AfterValidator(_server)] | None = Field(
        default=None, description="rfc2136: the server that takes updates: HOST or IP[:PORT]."
    )
    tsig_name: Annotated[str, AfterValidator(_tsig_name)] | None = Field(
        default=None, description="rfc2136: the name of the TSIG key."
    )
    tsig_algorithm: Literal["hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"] = Field(
        default="hmac-sha256", description="rfc2136: the algorithm of the TSIG key."
    )
    tsig_secret: SecretStr | None = Field(
        default=None, description="rfc2136: the TSIG key itself, base64. Secret."
    )
    tsig_secret_file: Path | None = Field(
        default=None, description="rfc2136: a file (0600) that holds the TSIG key."
    )
    wait_seconds: Annotated[Number, Field(ge=0, le=86400)] = Field(
        default=600, description="Seconds to wait until published records are seen."
    )
    options: dict[str, SecretStr] = Field(
        default_factory=dict, description="The credentials of a lexicon provider, by lexicon's names. Secret."
    )

    @model_validator(mode="after")
    def _one_secret(self) -> "DnsSettings":
        if self.tsig_secret is not None and self.tsig_secret_file is not None:
            raise ValueError("tsig_secret and tsig_secret_file are both set: keep one of them")
        return self

    def tsig_key(self) -> str | None:
        """The TSIG secret, base64, from wherever it is kept; None if there is none.

        Raises HostCannot when its file is missing, or readable by others.
        """
        if self.tsig_secret_file is None:
            return self.tsig_secret.get_secret_value() if self.tsig_secret else None
        from mailctl.private_files import read_private

        data = read_private(self.tsig_secret_file, "the file of dns.tsig_secret_file")
        if not re.fullmatch(rb"\s*[A-Za-z0-9+/]+={0,2}\s*", data):
            raise HostCannot(
                f"not a TSIG key in base64: {self.tsig_secret_file}",
                hint="put the secret there, and nothing else, as tsig-keygen or keymgr prints it",
            )
        return data.decode("ascii").strip()


class DkimSettings(Section):
    overlap_days: Annotated[Number, Field(ge=1, le=365)] = Field(
        default=7, description="Days that an old key stays published after a rotation."
    )
    delegation_zone: ZoneName | None = Field(
        default=None, description="The zone that holds the keys of domains which delegate theirs by CNAME."
    )


class DmarcSettings(Section):
    policy: Literal["none", "quarantine", "reject"] = Field(
        default="none", description="The policy that new domains start with."
    )
    report_address: MailAddress | None = Field(
        default=None, description="Who gets the aggregate reports (rua)."
    )


class TlsSettings(Section):
    certificate: Path | None = Field(default=None, description="The certificate chain. Unset: self-signed.")
    key: Path | None = Field(default=None, description="Its private key.")

    @model_validator(mode="after")
    def _both_or_none(self) -> "TlsSettings":
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: set both or none")
        return self


class PostfixSettings(Section):
    config_directory: Path = Field(default=Path("/etc/postfix"), description="Where Postfix has its main.cf.")
    injection_port: Annotated[Number, Field(ge=1, le=65535)] = Field(
        default=10587, description="The loopback port at which mailctl hands over mail that it signed itself."
    )


class OpendkimSettings(Section):
    config_directory: Path = Field(default=Path("/etc/opendkim"), description="Where OpenDKIM's tables go.")


class TrustSettings(Section):
    ad: bool = Field(default=False, description="Believe the resolver's AD bit; only for one on this host.")


def default_state_dir() -> Path:
    """/var/lib/mailctl for root, else the user's data folder."""
    if os.geteuid() == 0:
        return Path("/var/lib/mailctl")
    import platformdirs

    return platformdirs.user_data_path("mailctl")


class Settings(Section):
    """Everything that can be set. Made by `load`; nothing else reads a settings file."""

    state_dir: Path = Field(
        default_factory=default_state_dir, description="Where the database and the private keys live."
    )
    store: StoreSettings
    host: HostSettings = HostSettings()
    dns: DnsSettings = DnsSettings()
    dkim: DkimSettings = DkimSettings()
    dmarc: DmarcSettings = DmarcSettings()
    tls: TlsSettings = TlsSettings()
    postfix: PostfixSettings = PostfixSettings()
    opendkim: OpendkimSettings = OpendkimSettings()
    trust: TrustSettings = TrustSettings()

    @model_validator(mode="before")
    @classmethod
    def _store_in_state_dir(cls, values: Any) -> Any:
        """Without a store.url the database stands in the state folder."""
        if not isinstance(values, Mapping):
            return values
        store = values.get("store", {})
        if not isinstance(store, Mapping) or "url" in store:
            return values
        state_dir = values.get("state_dir") or default_state_dir()
        return {**values, "store": {**store, "url": f"sqlite:///{state_dir}/mailctl.db"}}


def load(config_path: Path | None = None) -> Settings:
    """The settings in force. `config_path`: the file that --config named.

    Raises BadInput with every reason at once, or HostCannot for a file whose rights are too wide.
    """
    from mailctl.settings_layers import read

    return read(config_path).settings
