#include "tests/integration/trust/test_certificates.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "common/base/check.h"
#include "tests/support/temp_dir.h"

namespace leidang::tests {
namespace {

std::string Text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free_all(bio);
  return text;
}

BIO* Reading(const std::string& pem) {
  return BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
}

}  // namespace

CraftedCertificate Craft(const std::vector<std::string>& uris,
                         const hub::CertificateAndKey* issuer) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4711);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("crafted"), -1, -1, 0);
  X509* parent = certificate;
  EVP_PKEY* parent_key = key;
  if (issuer != nullptr) {
    BIO* certificate_bio = Reading(issuer->certificate_pem);
    BIO* key_bio = Reading(issuer->key_pem);
    parent = PEM_read_bio_X509(certificate_bio, nullptr, nullptr, nullptr);
    parent_key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
    BIO_free_all(certificate_bio);
    BIO_free_all(key_bio);
    CHECK(parent != nullptr && parent_key != nullptr);
  }
  X509_set_issuer_name(certificate, X509_get_subject_name(parent));
  if (!uris.empty()) {
    const std::string names = absl::StrCat("URI:", absl::StrJoin(uris, ",URI:"));
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  CHECK(X509_sign(certificate, parent_key, EVP_sha256()) != 0);
  CraftedCertificate out;
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  out.certificate_pem = Text(bio);
  bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  out.key_pem = Text(bio);
  if (issuer != nullptr) {
    X509_free(parent);
    EVP_PKEY_free(parent_key);
  }
  X509_free(certificate);
  EVP_PKEY_free(key);
  return out;
}

agent::IdentityFiles WriteIdentity(const std::string& directory, const std::string& certificate_pem,
                                   const std::string& key_pem, const std::string& authority_pem) {
  std::filesystem::create_directories(directory);
  const agent::IdentityFiles files = agent::IdentityFiles::In(directory);
  testing::WriteFile(files.certificate, certificate_pem);
  testing::WriteFile(files.key, key_pem);
  testing::WriteFile(files.authority, authority_pem);
  return files;
}

}  // namespace leidang::tests
