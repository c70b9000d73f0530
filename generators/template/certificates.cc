// X.509 certificates.

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "common/base/status_macros.h"
#include "generators/template/key_impl.h"

namespace leidang::generators::gotmpl {
namespace {

X509Ptr ReadPem(absl::string_view pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

absl::Status AddExtension(X509* cert, X509V3_CTX* ctx, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, ctx, nid, value.c_str());
  if (extension == nullptr) return OpensslFailed("add an extension to a certificate");
  const int added = X509_add_ext(cert, extension, -1);
  X509_EXTENSION_free(extension);
  return added == 1 ? absl::OkStatus() : OpensslFailed("add an extension to a certificate");
}

// The names go in as structures: as configuration text a comma in one would make two of it.
absl::Status AddNames(X509* cert, const CertificateRequest& request) {
  if (request.dns_names.empty() && request.ip_addresses.empty()) return absl::OkStatus();
  OpensslPtr<GENERAL_NAMES, GENERAL_NAMES_free> names(GENERAL_NAMES_new());
  for (const std::string& dns : request.dns_names) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, dns.data(), static_cast<int>(dns.size()));
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    sk_GENERAL_NAME_push(names.get(), name);
  }
  for (const std::string& ip : request.ip_addresses) {
    unsigned char bytes[16];
    const bool four = inet_pton(AF_INET, ip.c_str(), bytes) == 1;
    if (!four && inet_pton(AF_INET6, ip.c_str(), bytes) != 1) {
      return absl::InvalidArgumentError(absl::StrCat("error parsing ip: ", ip));
    }
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(octets, bytes, four ? 4 : 16);
    GENERAL_NAME_set0_value(name, GEN_IPADD, octets);
    sk_GENERAL_NAME_push(names.get(), name);
  }
  return X509_add1_ext_i2d(cert, NID_subject_alt_name, names.get(), 0, X509V3_ADD_APPEND) == 1
             ? absl::OkStatus()
             : OpensslFailed("add names to a certificate");
}

absl::Status SetTime(ASN1_TIME* field, absl::Time time) {
  return ASN1_TIME_set(field, absl::ToTimeT(time)) != nullptr ? absl::OkStatus()
                                                              : OpensslFailed("set a date");
}

absl::Status Fill(X509* cert, X509* issuer, const CertificateRequest& request,
                  const PrivateKey& key, RandomStream* random) {
  const bool authority = request.kind == CertificateRequest::Kind::kAuthority;
  std::string serial = random->Bytes(16);
  serial[0] = static_cast<char>(serial[0] & 0x7f);
  BnPtr number(BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()), 16, nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(cert));
  X509_set_version(cert, X509_VERSION_3);
  RETURN_IF_ERROR(SetTime(X509_getm_notBefore(cert), request.not_before));
  RETURN_IF_ERROR(SetTime(X509_getm_notAfter(cert), request.not_after));
  X509_NAME* name = X509_get_subject_name(cert);
  if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(request.common_name.data()),
                                 static_cast<int>(request.common_name.size()), -1, 0) != 1) {
    return absl::InvalidArgumentError("error creating certificate: the common name is too long");
  }
  X509_set_issuer_name(cert, X509_get_subject_name(issuer != nullptr ? issuer : cert));
  if (X509_set_pubkey(cert, key.impl().key.get()) != 1)
    return OpensslFailed("put a key into a certificate");
  X509V3_CTX ctx;
  X509V3_set_ctx(&ctx, issuer != nullptr ? issuer : cert, cert, nullptr, nullptr, 0);
  RETURN_IF_ERROR(AddExtension(cert, &ctx, NID_key_usage,
                               authority ? "critical,digitalSignature,keyEncipherment,keyCertSign"
                                         : "critical,digitalSignature,keyEncipherment"));
  RETURN_IF_ERROR(AddExtension(cert, &ctx, NID_ext_key_usage, "serverAuth,clientAuth"));
  RETURN_IF_ERROR(AddExtension(cert, &ctx, NID_basic_constraints,
                               authority ? "critical,CA:TRUE" : "critical,CA:FALSE"));
  if (authority) RETURN_IF_ERROR(AddExtension(cert, &ctx, NID_subject_key_identifier, "hash"));
  if (issuer != nullptr && X509_get0_subject_key_id(issuer) != nullptr) {
    RETURN_IF_ERROR(AddExtension(cert, &ctx, NID_authority_key_identifier, "keyid"));
  }
  return AddNames(cert, request);
}

struct DerBytes {
  ~DerBytes() { OPENSSL_free(data); }
  unsigned char* data = nullptr;
  int size = 0;
  std::string text() const {
    return std::string(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
  }
};

// OpenSSL draws the nonce of an ECDSA signature itself; here it comes from the seed, so that the
// certificate is the same whenever its inputs are. The signature as DER.
absl::StatusOr<std::string> SignEcdsa(EVP_PKEY* key, const std::string& message,
                                      RandomStream* random) {
  char curve[64];
  size_t curve_size = 0;
  BIGNUM* raw_secret = nullptr;
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof curve,
                                     &curve_size) != 1 ||
      EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &raw_secret) != 1) {
    return OpensslFailed("read an EC key");
  }
  const BnPtr secret(raw_secret);
  BnCtxPtr ctx(BN_CTX_new());
  EcGroupPtr group(EC_GROUP_new_by_curve_name(OBJ_sn2nid(curve)));
  if (group == nullptr) return OpensslFailed("sign with that curve");
  const BIGNUM* order = EC_GROUP_get0_order(group.get());
  const int bits = BN_num_bits(order);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned digest_size = 0;
  EVP_Digest(message.data(), message.size(), digest, &digest_size, EVP_sha256(), nullptr);
  BnPtr z(BN_bin2bn(digest, static_cast<int>(digest_size), nullptr));
  if (static_cast<int>(digest_size) * 8 > bits)
    BN_rshift(z.get(), z.get(), static_cast<int>(digest_size) * 8 - bits);
  BnPtr k, r(BN_new()), s(BN_new()), inverse(BN_new());
  EcPointPtr point(EC_POINT_new(group.get()));
  const auto nonce_size = (static_cast<size_t>(bits) + 7) / 8 + 8;
  do {
    const std::string nonce = random->Bytes(nonce_size);
    k.reset(BN_bin2bn(reinterpret_cast<const unsigned char*>(nonce.data()),
                      static_cast<int>(nonce.size()), nullptr));
    BN_mod(k.get(), k.get(), order, ctx.get());
    if (BN_is_zero(k.get())) continue;
    EC_POINT_mul(group.get(), point.get(), k.get(), nullptr, nullptr, ctx.get());
    EC_POINT_get_affine_coordinates(group.get(), point.get(), r.get(), nullptr, ctx.get());
    BN_mod(r.get(), r.get(), order, ctx.get());
    BN_mod_mul(s.get(), r.get(), secret.get(), order, ctx.get());
    BN_mod_add(s.get(), s.get(), z.get(), order, ctx.get());
    BN_mod_inverse(inverse.get(), k.get(), order, ctx.get());
    BN_mod_mul(s.get(), s.get(), inverse.get(), order, ctx.get());
  } while (BN_is_zero(r.get()) || BN_is_zero(s.get()));
  EcdsaSigPtr signature(ECDSA_SIG_new());
  ECDSA_SIG_set0(signature.get(), r.release(), s.release());
  DerBytes der;
  der.size = i2d_ECDSA_SIG(signature.get(), &der.data);
  return der.text();
}

std::string Tagged(char tag, const std::string& body) {
  std::string out(1, tag);
  if (body.size() < 0x80) {
    out.push_back(static_cast<char>(body.size()));
  } else {
    std::string length;
    for (size_t n = body.size(); n > 0; n >>= 8) length.insert(0, 1, static_cast<char>(n & 0xff));
    out.push_back(static_cast<char>(0x80 | length.size()));
    out += length;
  }
  return out + body;
}

absl::StatusOr<std::string> Sign(X509* cert, EVP_PKEY* signer, RandomStream* random) {
  const int kind = EVP_PKEY_get_base_id(signer);
  if (X509_sign(cert, signer, kind == EVP_PKEY_ED25519 ? nullptr : EVP_sha256()) == 0) {
    return OpensslFailed("sign a certificate");
  }
  DerBytes whole;
  whole.size = i2d_X509(cert, &whole.data);
  if (kind != EVP_PKEY_EC) return whole.text();
  // Take the signature off again and put ours there.
  DerBytes tbs, algorithm;
  tbs.size = i2d_re_X509_tbs(cert, &tbs.data);
  const X509_ALGOR* algor = nullptr;
  X509_get0_signature(nullptr, &algor, cert);
  algorithm.size = i2d_X509_ALGOR(algor, &algorithm.data);
  ASSIGN_OR_RETURN(const std::string signature, SignEcdsa(signer, tbs.text(), random));
  return Tagged('\x30',
                tbs.text() + algorithm.text() + Tagged('\x03', std::string(1, '\0') + signature));
}

}  // namespace

absl::StatusOr<std::string> MakeCertificate(const CertificateRequest& request,
                                            const PrivateKey& key, absl::string_view issuer_pem,
                                            const PrivateKey& signer, RandomStream* random) {
  X509Ptr issuer;
  if (!issuer_pem.empty()) {
    issuer = ReadPem(issuer_pem);
    if (issuer == nullptr) return absl::InvalidArgumentError("unable to decode certificate");
    if (X509_check_private_key(issuer.get(), signer.impl().key.get()) != 1) {
      return absl::InvalidArgumentError(
          "error creating certificate: x509: provided PrivateKey doesn't match parent's PublicKey");
    }
  }
  X509Ptr cert(X509_new());
  RETURN_IF_ERROR(Fill(cert.get(), issuer.get(), request, key, random));
  ASSIGN_OR_RETURN(const std::string der, Sign(cert.get(), signer.impl().key.get(), random));
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio(bio.get(), "CERTIFICATE", "",
                    reinterpret_cast<const unsigned char*>(der.data()),
                    static_cast<long>(der.size())) == 0) {
    return OpensslFailed("write a certificate");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

absl::Status CheckCertificatePem(absl::string_view pem) {
  return ReadPem(pem) != nullptr ? absl::OkStatus()
                                 : absl::InvalidArgumentError("unable to decode certificate");
}

}  // namespace leidang::generators::gotmpl
