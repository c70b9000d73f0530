#include "hub/auth/certificate_reader.h"

#include <ctime>

#include "hub/auth/openssl_pointers.h"

namespace leidang::hub {
namespace {

X509Ptr Parse(absl::string_view pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return certificate;
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromTM(parts, absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<CertificateFacts> ReadCertificate(absl::string_view pem,
                                                 const CertificateAuthority& authority) {
  const X509Ptr certificate = Parse(pem);
  if (!certificate) return absl::InvalidArgumentError("this is no PEM certificate");
  CertificateFacts facts;
  facts.not_before = TimeOf(X509_get0_notBefore(certificate.get()));
  facts.not_after = TimeOf(X509_get0_notAfter(certificate.get()));
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_URI) continue;
    const ASN1_STRING* uri = name->d.uniformResourceIdentifier;
    facts.uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                            static_cast<size_t>(ASN1_STRING_length(uri)));
  }
  GENERAL_NAMES_free(names);
  const X509Ptr issuer = Parse(authority.certificate_pem());
  facts.issued_by_authority =
      issuer && X509_verify(certificate.get(), X509_get0_pubkey(issuer.get())) == 1;
  ERR_clear_error();
  return facts;
}

bool IsRequestOfSameKey(absl::string_view csr_der, absl::string_view certificate_pem) {
  const X509Ptr certificate = Parse(certificate_pem);
  const auto* der = reinterpret_cast<const unsigned char*>(csr_der.data());
  const X509ReqPtr request(d2i_X509_REQ(nullptr, &der, static_cast<long>(csr_der.size())));
  ERR_clear_error();
  if (!certificate || !request) return false;
  EVP_PKEY* asked = X509_REQ_get0_pubkey(request.get());
  EVP_PKEY* held = X509_get0_pubkey(certificate.get());
  return asked != nullptr && held != nullptr && EVP_PKEY_eq(asked, held) == 1;
}

}  // namespace leidang::hub
