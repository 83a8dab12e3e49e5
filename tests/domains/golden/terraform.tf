resource "dns_txt_record_set" "wildcard_wild_client_example_txt" {
  zone = "client.example."
  name = "*.wild"
  ttl  = 3600
  txt = [
    "*",
  ]
}

# not in hashicorp/dns: _25._tcp.mail.client.example. 3600 IN TLSA 3 1 1 abababababababababababababababababababababababababababababababab

resource "dns_txt_record_set" "_dmarc_client_example_txt" {
  zone = "client.example."
  name = "_dmarc"
  ttl  = 300
  txt = [
    "v=DMARC1; p=none; rua=mailto:dmarc@house.example",
  ]
}

resource "dns_mx_record_set" "client_example_mx" {
  zone = "client.example."
  ttl  = 3600
  mx {
    preference = 10
    exchange   = "mail.client.example."
  }
  mx {
    preference = 20
    exchange   = "backup.house.example."
  }
}

resource "dns_txt_record_set" "client_example_txt" {
  zone = "client.example."
  ttl  = 3600
  txt = [
    "odd \\\"quotes\\\" \\\\ back; $${hcl} %%{if}",
    "v=spf1 ip4:192.0.2.1 -all",
  ]
}

resource "dns_a_record_set" "mail_client_example_a" {
  zone = "client.example."
  name = "mail"
  ttl  = 3600
  addresses = [
    "192.0.2.1",
    "192.0.2.2",
  ]
}

resource "dns_aaaa_record_set" "mail_client_example_aaaa" {
  zone = "client.example."
  name = "mail"
  ttl  = 3600
  addresses = [
    "2001:db8::1",
  ]
}

resource "dns_mx_record_set" "nomail_client_example_mx" {
  zone = "client.example."
  name = "nomail"
  ttl  = 3600
  mx {
    preference = 0
    exchange   = "."
  }
}

resource "dns_txt_record_set" "s10__domainkey_client_example_txt" {
  zone = "client.example."
  name = "s10._domainkey"
  ttl  = 3600
  txt = [
    "v=DKIM1; k=rsa; p=MIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBgMIIBIjANBg",
  ]
}

resource "dns_cname_record" "s2__domainkey_client_example_cname" {
  zone = "client.example."
  name = "s2._domainkey"
  ttl  = 3600
  cname = "s2.keys.house.example."
}
