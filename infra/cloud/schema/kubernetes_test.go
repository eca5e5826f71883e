package schema

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// cluster is what `kubectl apply --kustomize` would send, read as the API server does: strictly, into its own types.
type cluster struct {
	services   map[string]corev1.Service
	configs    map[string]corev1.ConfigMap
	workers    appsv1.StatefulSet
	relay      appsv1.Deployment
	disruption map[string]policyv1.PodDisruptionBudget
}

func overlay(t *testing.T, name string) cluster {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../kubernetes/"+name)
	if err != nil {
		t.Fatal(err)
	}
	c := cluster{services: map[string]corev1.Service{}, configs: map[string]corev1.ConfigMap{}, disruption: map[string]policyv1.PodDisruptionBudget{}}
	for _, r := range made.Resources() {
		text, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var into any
		var service corev1.Service
		var config corev1.ConfigMap
		var budget policyv1.PodDisruptionBudget
		switch kind := r.GetApiVersion() + " " + r.GetKind(); kind {
		case "v1 Service":
			into = &service
		case "v1 ConfigMap":
			into = &config
		case "policy/v1 PodDisruptionBudget":
			into = &budget
		case "apps/v1 StatefulSet":
			into = &c.workers
		case "apps/v1 Deployment":
			into = &c.relay
		default:
			t.Fatalf("%s: what is %s?", name, kind)
		}
		unknown, err := json.UnmarshalStrict(text, into) // as the API server: misspelt and double fields are told, and upper case counts
		if err != nil || len(unknown) > 0 {
			t.Errorf("%s %s: %v, %v", name, r.GetName(), unknown, err)
		}
		if r.GetNamespace() != "recon3d" {
			t.Errorf("%s: %s is in the namespace %q", name, r.GetName(), r.GetNamespace())
		}
		switch into {
		case &service:
			c.services[service.Name] = service
		case &config:
			c.configs[config.Name] = config
		case &budget:
			c.disruption[budget.Name] = budget
		}
	}
	return c
}

var overlays = []string{"base", "cpu", "tke"}

func TestPodsHoldTogether(t *testing.T) {
	for _, name := range overlays {
		c := overlay(t, name)
		claims := []string{}
		for _, claim := range c.workers.Spec.VolumeClaimTemplates {
			claims = append(claims, claim.Name)
		}
		checkPod(t, c, name+" worker", c.workers.Spec.Template.Spec, claims)
		checkPod(t, c, name+" relay", c.relay.Spec.Template.Spec, nil)

		for what, labels := range map[string]map[string]string{
			"worker": c.workers.Spec.Template.Labels, "workers": c.workers.Spec.Template.Labels, "relay": c.relay.Spec.Template.Labels,
		} {
			if b, ok := c.disruption[what]; ok && !selects(b.Spec.Selector.MatchLabels, labels) {
				t.Errorf("%s: the budget of %s is for other pods", name, what)
			}
			if s, ok := c.services[what]; ok && !selects(s.Spec.Selector, labels) {
				t.Errorf("%s: the service %s is for other pods", name, what)
			}
		}
		if len(c.disruption) != 2 {
			t.Errorf("%s: budgets %v", name, c.disruption)
		}
		if !selects(c.workers.Spec.Selector.MatchLabels, c.workers.Spec.Template.Labels) || !selects(c.relay.Spec.Selector.MatchLabels, c.relay.Spec.Template.Labels) {
			t.Errorf("%s: pods have other labels than their set selects", name)
		}
		if s, ok := c.services[c.workers.Spec.ServiceName]; !ok || s.Spec.ClusterIP != corev1.ClusterIPNone {
			t.Errorf("%s: the workers have no names of their own", name)
		}
	}
}

func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}

// checkPod looks at what a pod refers to and at what it may.
func checkPod(t *testing.T, c cluster, name string, pod corev1.PodSpec, claims []string) {
	t.Helper()
	secrets := variables(t, "../kubernetes/base/secrets.env.example")
	volumes := slices.Clone(claims)
	for _, v := range pod.Volumes {
		volumes = append(volumes, v.Name)
	}
	mounted := []string{}
	for _, container := range pod.Containers {
		ports := map[string]int32{}
		for _, p := range container.Ports {
			ports[p.Name] = p.ContainerPort
		}
		for probe, p := range map[string]*corev1.Probe{"startup": container.StartupProbe, "readiness": container.ReadinessProbe, "liveness": container.LivenessProbe} {
			switch {
			case p == nil:
				t.Errorf("%s has no %s probe", name, probe)
			case p.HTTPGet != nil && ports[p.HTTPGet.Port.StrVal] == 0, p.TCPSocket != nil && ports[p.TCPSocket.Port.StrVal] == 0:
				t.Errorf("%s: the %s probe asks a port that the container has not", name, probe)
			}
		}
		for _, m := range container.VolumeMounts {
			if !slices.Contains(volumes, m.Name) {
				t.Errorf("%s mounts %s, which it has not", name, m.Name)
			}
			mounted = append(mounted, m.Name)
		}
		for _, e := range container.Env {
			if e.ValueFrom != nil {
				if _, there := secrets[e.ValueFrom.SecretKeyRef.Key]; !there {
					t.Errorf("%s gets %s from %s, which secrets.env.example has not", name, e.Name, e.ValueFrom.SecretKeyRef.Key)
				}
			}
		}
		for _, from := range container.EnvFrom {
			if _, there := c.configs[from.ConfigMapRef.Name]; !there {
				t.Errorf("%s gets variables from %s, which is not there", name, from.ConfigMapRef.Name)
			}
		}
		if s := container.SecurityContext; s == nil || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || fmt.Sprint(s.Capabilities.Drop) != "[ALL]" {
			t.Errorf("%s may more than it needs", name)
		}
		if container.Resources.Limits.Memory().IsZero() || container.Resources.Requests.Cpu().IsZero() {
			t.Errorf("%s does not say what it needs", name)
		}
	}
	if len(mounted) != len(volumes) {
		t.Errorf("%s has the volumes %v and mounts %v", name, volumes, mounted)
	}
	if !*pod.SecurityContext.RunAsNonRoot {
		t.Errorf("%s may run as root", name)
	}
}

// The pods are what the images are: user, ports, folders.
func TestPodsAreOfTheImages(t *testing.T) {
	all := images(t)
	for _, name := range overlays {
		c := overlay(t, name)
		worker, relay := c.workers.Spec.Template.Spec, c.relay.Spec.Template.Spec
		file := map[string]string{"base": "worker-cuda", "cpu": "worker", "tke": "worker-cuda"}[name]
		if got := worker.Containers[0].Image; !strings.Contains(got, "/recon3d-"+file+":") {
			t.Errorf("%s: the worker is %s", name, got)
		}
		stage := all[file].stage("")
		var useradd bool
		for _, command := range stage.Commands {
			run, ok := command.(*instructions.RunCommand)
			useradd = useradd || ok && strings.Contains(strings.Join(run.CmdLine, " "), fmt.Sprintf("useradd --system --uid %d ", *worker.SecurityContext.RunAsUser))
		}
		if !useradd || *worker.SecurityContext.FSGroup != *worker.SecurityContext.RunAsUser {
			t.Errorf("%s: the worker runs as %d, of which its image knows nothing", name, *worker.SecurityContext.RunAsUser)
		}
		ports, _ := command[*instructions.ExposeCommand](stage)
		if fmt.Sprint(worker.Containers[0].Ports[0].ContainerPort) != ports.Ports[0] {
			t.Errorf("%s: the worker listens at %v", name, ports.Ports)
		}
		environment := map[string]string{}
		for _, command := range stage.Commands {
			if env, ok := command.(*instructions.EnvCommand); ok {
				for _, pair := range env.Env {
					environment[pair.Key] = pair.Value
				}
			}
		}
		mounts := map[string]string{}
		for _, m := range worker.Containers[0].VolumeMounts {
			mounts[m.Name] = m.MountPath
		}
		if mounts["data"] != environment["DATA_DIR"] || mounts["weights"] != environment["CRM_WEIGHTS"] {
			t.Errorf("%s: mounted %v, read %v", name, mounts, environment)
		}
		gpus := worker.Containers[0].Resources.Limits["nvidia.com/gpu"]
		if gpus.IsZero() != (environment["ENGINE"] != "crm") {
			t.Errorf("%s: %s GPUs for the engine %q", name, gpus.String(), environment["ENGINE"])
		}
		if user, _ := command[*instructions.UserCommand](all["functions"].stage("functions")); user.User != fmt.Sprintf("%[1]d:%[1]d", *relay.SecurityContext.RunAsUser) {
			t.Errorf("%s: the relay runs as %d, and in its image as %s", name, *relay.SecurityContext.RunAsUser, user.User)
		}
	}
}

// The relay gets what the function of the platform gets, and what stands for the platform.
func TestTheRelayIsTheFunction(t *testing.T) {
	want := append(relayVariables(t), "COS_SECRET_ID", "COS_SECRET_KEY", "METRICS_ADDR", "RELAY_LEAN", "OTEL_BSP_SCHEDULE_DELAY")
	slices.Sort(want)
	for _, name := range overlays {
		c := overlay(t, name)
		container := c.relay.Spec.Template.Spec.Containers[0]
		var got []string
		for _, e := range container.Env {
			got = append(got, e.Name)
		}
		for _, from := range container.EnvFrom {
			for key := range c.configs[from.ConfigMapRef.Name].Data {
				got = append(got, key)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the relay gets\n%v, of\n%v", name, got, want)
		}
	}
}

// Both are given more time to stop than they take.
func TestTimeToStop(t *testing.T) {
	settings := read(t, "functions/worker/worker/settings.py")
	if !bytes.Contains(settings, []byte(`drain_timeout: Duration = Field("25s"`)) {
		t.Error("DRAIN_TIMEOUT is another: mend terminationGracePeriodSeconds, and stop_grace_period of compose.yaml")
	}
	for _, name := range overlays {
		c := overlay(t, name)
		if grace := *c.workers.Spec.Template.Spec.TerminationGracePeriodSeconds; grace < 25+3+5 {
			t.Errorf("%s: a worker has %d s to stop", name, grace)
		}
		relay := c.relay.Spec.Template.Spec
		if preStop := relay.Containers[0].Lifecycle.PreStop.Sleep.Seconds; *relay.TerminationGracePeriodSeconds < preStop+10+5 {
			t.Errorf("%s: a relay has %d s to stop", name, *relay.TerminationGracePeriodSeconds)
		}
	}
}

// In the private network of the functions each worker of the set has an address of its own, without which its URL would be another's.
func TestEachWorkerHasAnAddress(t *testing.T) {
	c := overlay(t, "tke")
	for i := range *c.workers.Spec.Replicas {
		name := fmt.Sprintf("worker-%d", i)
		s, ok := c.services[name]
		if !ok || s.Spec.Type != corev1.ServiceTypeLoadBalancer || s.Spec.Selector["statefulset.kubernetes.io/pod-name"] != name || !s.Spec.PublishNotReadyAddresses {
			t.Errorf("%s has no address of its own: %+v", name, s.Spec)
		}
	}
	for name, s := range c.services {
		if internal := s.Annotations["service.kubernetes.io/qcloud-loadbalancer-internal-subnetid"] != ""; internal != (s.Spec.Type == corev1.ServiceTypeLoadBalancer) {
			t.Errorf("%s: a %s, of the private network: %v", name, s.Spec.Type, internal)
		}
	}
}
