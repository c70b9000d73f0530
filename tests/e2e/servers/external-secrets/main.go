// Command external-secrets-fake is the ExternalSecret, SecretStore and ClusterSecretStore
// reconcilers of External Secrets Operator as they are, with its providers "fake" and "kubernetes"
// alone: the operator's own program links the SDK of every cloud.
package main

import (
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	genv1alpha1 "github.com/external-secrets/external-secrets/apis/generators/v1alpha1"
	ctrlcommon "github.com/external-secrets/external-secrets/pkg/controllers/common"
	"github.com/external-secrets/external-secrets/pkg/controllers/externalsecret"
	"github.com/external-secrets/external-secrets/pkg/controllers/externalsecret/esmetrics"
	ctrlmetrics "github.com/external-secrets/external-secrets/pkg/controllers/metrics"
	"github.com/external-secrets/external-secrets/pkg/controllers/secretstore"
	"github.com/external-secrets/external-secrets/pkg/controllers/secretstore/cssmetrics"
	"github.com/external-secrets/external-secrets/pkg/controllers/secretstore/ssmetrics"

	_ "github.com/external-secrets/external-secrets/pkg/provider/fake"
	_ "github.com/external-secrets/external-secrets/pkg/provider/kubernetes"
)

func must(err error) {
	if err != nil {
		ctrl.Log.Error(err, "fatal")
		os.Exit(1)
	}
}

// KUBECONFIG or --kubeconfig names the cluster.
func main() {
	ctrl.SetLogger(zap.New())
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(esv1.AddToScheme(scheme))
	utilruntime.Must(genv1alpha1.AddToScheme(scheme))
	utilruntime.Must(apiextensionsv1.AddToScheme(scheme))

	ctrlmetrics.SetUpLabelNames(false)
	esmetrics.SetUpMetrics()
	ssmetrics.SetUpMetrics()
	cssmetrics.SetUpMetrics()

	config := ctrl.GetConfigOrDie()
	config.QPS, config.Burst = 200, 400
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                 scheme,
		Metrics:                server.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
		Client: client.Options{Cache: &client.CacheOptions{
			DisableFor: []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}},
		}},
	})
	must(err)
	opts := controller.Options{MaxConcurrentReconciles: 4, RateLimiter: ctrlcommon.BuildRateLimiter()}
	must((&secretstore.StoreReconciler{
		Client: mgr.GetClient(), Log: ctrl.Log.WithName("SecretStore"), Scheme: scheme,
		ControllerClass: "default", RequeueInterval: 5 * time.Minute,
	}).SetupWithManager(mgr, opts))
	must((&secretstore.ClusterStoreReconciler{
		Client: mgr.GetClient(), Log: ctrl.Log.WithName("ClusterSecretStore"), Scheme: scheme,
		ControllerClass: "default", RequeueInterval: 5 * time.Minute,
	}).SetupWithManager(mgr, opts))
	must((&externalsecret.Reconciler{
		Client: mgr.GetClient(), SecretClient: mgr.GetClient(), Log: ctrl.Log.WithName("ExternalSecret"),
		Scheme: scheme, RestConfig: mgr.GetConfig(), ControllerClass: "default",
		RequeueInterval: time.Hour, ClusterSecretStoreEnabled: true, EnableFloodGate: true,
	}).SetupWithManager(mgr, opts))
	must(mgr.Start(ctrl.SetupSignalHandler()))
}
